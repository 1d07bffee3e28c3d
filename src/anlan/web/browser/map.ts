// The map island: outlines of places, shaded and patterned by warning level. No outside host.
import { islands } from "./islands";
import { Map as MapView, NavigationControl, setWorkerUrl, type LngLatBoundsLike } from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";

type Shading = { levels: Record<string, number>; words: Record<string, string> };
type Outline = { properties: { place: string; name: string }; geometry: { coordinates: unknown } };
type Outlines = { type: "FeatureCollection"; features: Outline[] };
type Box = [number, number, number, number];

const SIZE = 16;
const LEVELS = [1, 2, 3, 4];

function colour(name: string): string {
  // A canvas reads light-dark() only after the browser has resolved it on an element.
  const probe = document.createElement("span");
  probe.className = `map-${name}`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** A pattern per level, so that colour never stands alone: crosshatch, diagonal, dots, horizontal. */
function pattern(level: number): ImageData {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE;
  const pen = canvas.getContext("2d");
  if (pen === null) throw new Error("no canvas");
  pen.fillStyle = colour(`level-${level}`);
  pen.fillRect(0, 0, SIZE, SIZE);
  pen.strokeStyle = pen.fillStyle = colour(`ink-${level}`);
  pen.globalAlpha = 0.45;
  pen.lineWidth = 1.5;
  pen.beginPath();
  if (level <= 2) {
    for (const shift of [-SIZE, 0, SIZE]) {
      pen.moveTo(shift, SIZE);
      pen.lineTo(shift + SIZE, 0);
    }
  }
  if (level === 1) {
    for (const shift of [-SIZE, 0, SIZE]) {
      pen.moveTo(shift, 0);
      pen.lineTo(shift + SIZE, SIZE);
    }
  }
  if (level === 4) {
    pen.moveTo(0, SIZE / 2);
    pen.lineTo(SIZE, SIZE / 2);
  }
  pen.stroke();
  if (level === 3) {
    for (const [x, y] of [[4, 4], [12, 12]] as const) {
      pen.beginPath();
      pen.arc(x, y, 1.8, 0, 2 * Math.PI);
      pen.fill();
    }
  }
  return pen.getImageData(0, 0, SIZE, SIZE);
}

function grow(box: Box, coordinates: unknown): void {
  if (!Array.isArray(coordinates)) return;
  if (typeof coordinates[0] === "number") {
    const [x, y] = coordinates as [number, number];
    box[0] = Math.min(box[0], x);
    box[1] = Math.min(box[1], y);
    box[2] = Math.max(box[2], x);
    box[3] = Math.max(box[3], y);
    return;
  }
  for (const part of coordinates) grow(box, part);
}

function bounds(outlines: Outline[]): LngLatBoundsLike {
  const box: Box = [180, 90, -180, -90];
  for (const outline of outlines) grow(box, outline.geometry.coordinates);
  return box[0] > box[2] ? [-180, -60, 180, 75] : box;
}

async function read<T>(address: string): Promise<T> {
  const answer = await fetch(address, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`${answer.status} ${address}`);
  return (await answer.json()) as T;
}

type Point = [number, number];

/** Twice the signed area of a ring of coordinates. */
function area(ring: Point[]): number {
  let sum = 0;
  for (let i = 0; i < ring.length; i += 1) {
    const [x0, y0] = ring[i] ?? [0, 0];
    const [x1, y1] = ring[(i + 1) % ring.length] ?? [0, 0];
    sum += x0 * y1 - x1 * y0;
  }
  return sum;
}

/** The middle of the largest part of an outline: where its mark stands. */
function middle(outline: Outline): Point | undefined {
  const rings: Point[][] = [];
  const collect = (part: unknown): void => {
    if (!Array.isArray(part) || part.length === 0) return;
    const first = part[0] as unknown;
    if (Array.isArray(first) && typeof first[0] === "number") rings.push(part as Point[]);
    else for (const inner of part) collect(inner);
  };
  collect(outline.geometry.coordinates);
  const largest = rings.sort((a, b) => Math.abs(area(b)) - Math.abs(area(a)))[0];
  if (largest === undefined) return undefined;
  const whole = area(largest);
  if (whole === 0) return largest[0];
  let [x, y] = [0, 0];
  for (let i = 0; i < largest.length; i += 1) {
    const [x0, y0] = largest[i] ?? [0, 0];
    const [x1, y1] = largest[(i + 1) % largest.length] ?? [0, 0];
    const cross = x0 * y1 - x1 * y0;
    x += (x0 + x1) * cross;
    y += (y0 + y1) * cross;
  }
  return [x / (3 * whole), y / (3 * whole)];
}

async function draw(holder: HTMLElement, before: MapView | undefined): Promise<MapView> {
  const { outlines: where = "", shading: how = "", worker = "", focus } = holder.dataset;
  setWorkerUrl(new URL(worker, window.location.href).href);
  const [outlines, given] = await Promise.all([read<Outlines>(where), read<Shading>(how)]);
  // An area drawn by hand: what is warned is this, not the whole of the places it touches.
  const drawn = holder.dataset["drawn"] ?? "";
  const drawing = drawn === "" ? undefined : ({ properties: { place: "", name: "" }, geometry: JSON.parse(drawn) } as Outline);
  const shading = drawing === undefined ? given : { ...given, levels: {} };
  const shaded = outlines.features.filter((one) => shading.levels[one.properties.place] !== undefined);
  const features = outlines.features.map((one, id) => {
    const level = shading.levels[one.properties.place] ?? 0;
    const word = level > 0 ? `${level} ${shading.words[String(level)] ?? ""}` : "";
    const label = level > 0 ? `${one.properties.name}\n${word}` : one.properties.name;
    return { ...one, id, properties: { ...one.properties, level, label } };
  });
  const marks = features.flatMap((one) => {
    const at = one.properties.level > 0 ? middle(one) : undefined;
    return at === undefined
      ? []
      : [{ type: "Feature", properties: one.properties, geometry: { type: "Point", coordinates: at } }];
  });
  const map = new MapView({
    container: holder,
    attributionControl: false,
    locale: { "Map.Title": holder.getAttribute("aria-label") ?? "" },
    // One world: nothing is warned of twice.
    renderWorldCopies: false,
    bounds: bounds(drawing !== undefined ? [drawing] : focus === "shaded" && shaded.length > 0 ? shaded : outlines.features),
    fitBoundsOptions: { padding: 24, maxZoom: 8 },
    dragRotate: false,
    pitchWithRotate: false,
    cooperativeGestures: window.matchMedia("(max-width: 700px)").matches,
    style: {
      version: 8,
      sources: {
        places: { type: "geojson", data: { type: "FeatureCollection", features } as never },
        marks: { type: "geojson", data: { type: "FeatureCollection", features: marks } as never },
      },
      layers: [
        { id: "ground", type: "background", paint: { "background-color": colour("sea") } },
        { id: "land", type: "fill", source: "places", paint: { "fill-color": colour("land") } },
      ],
    },
  });
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  await map.once("load");
  for (const level of LEVELS) {
    map.addImage(`level-${level}`, pattern(level));
    map.addLayer({
      id: `level-${level}`,
      type: "fill",
      source: "places",
      filter: ["==", ["get", "level"], level],
      paint: { "fill-pattern": `level-${level}` },
    });
  }
  if (drawing !== undefined) {
    map.addSource("drawn", { type: "geojson", data: { type: "Feature", properties: {}, geometry: drawing.geometry } as never });
    map.addLayer({ id: "drawn", type: "fill", source: "drawn", paint: { "fill-color": colour("accent"), "fill-opacity": 0.35 } });
    map.addLayer({ id: "edge", type: "line", source: "drawn", paint: { "line-color": colour("accent"), "line-width": 2.5 } });
  }
  map.addLayer({
    id: "lines",
    type: "line",
    source: "places",
    paint: { "line-color": colour("line"), "line-width": ["case", [">", ["get", "level"], 0], 1.6, 0.6] },
  });
  // From afar a small place is smaller than its outline's line: a mark stands for it.
  map.addLayer({
    id: "marks",
    type: "circle",
    source: "marks",
    maxzoom: 5,
    layout: { "circle-sort-key": ["-", 0, ["get", "level"]] },
    paint: {
      "circle-radius": 9,
      "circle-color": ["match", ["get", "level"], ...LEVELS.flatMap((n) => [n, colour(`level-${n}`)]), colour("land")] as never,
      "circle-stroke-color": colour("text"),
      "circle-stroke-width": 1.5,
    },
  });
  map.addLayer({
    id: "digits",
    type: "symbol",
    source: "marks",
    maxzoom: 5,
    layout: {
      "text-field": ["to-string", ["get", "level"]],
      "text-font": ["sans-serif"],
      "text-size": 12,
      "text-allow-overlap": true,
    },
    paint: {
      "text-color": ["match", ["get", "level"], ...LEVELS.flatMap((n) => [n, colour(`ink-${n}`)]), colour("text")] as never,
    },
  });
  map.addLayer({
    id: "labels",
    type: "symbol",
    source: "marks",
    layout: {
      "text-field": ["get", "label"],
      "text-font": ["sans-serif"],
      "text-size": 12,
      // Beside the middle of the place: a small place must not vanish under its own name.
      "text-variable-anchor": ["top", "bottom", "left", "right"],
      "text-radial-offset": 1,
      "symbol-sort-key": ["get", "level"],
    },
    paint: { "text-color": colour("text"), "text-halo-color": colour("halo"), "text-halo-width": 2.4 },
  });
  if (before !== undefined) map.jumpTo({ center: before.getCenter(), zoom: before.getZoom() });
  const said = holder.parentElement?.querySelector<HTMLElement>("[data-map-place]");
  map.on("mousemove", "land", (event) => {
    const label = event.features?.[0]?.properties["label"] as string | undefined;
    if (said) said.textContent = (label ?? "").replace("\n", " · ");
  });
  map.on("idle", () => {
    holder.dataset["ready"] = "yes";
  });
  return map;
}

// A canvas keeps the colours it was drawn with, the page around it turns dark at dusk.
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", islands("[data-outlines]", draw));
