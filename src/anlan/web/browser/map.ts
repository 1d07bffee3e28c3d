// The map island: outlines of places, shaded and patterned by warning level. No outside host.
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

async function draw(holder: HTMLElement): Promise<void> {
  const { outlines: where = "", shading: how = "", worker = "", focus } = holder.dataset;
  setWorkerUrl(new URL(worker, window.location.href).href);
  const [outlines, shading] = await Promise.all([read<Outlines>(where), read<Shading>(how)]);
  const shaded = outlines.features.filter((one) => shading.levels[one.properties.place] !== undefined);
  const features = outlines.features.map((one, id) => {
    const level = shading.levels[one.properties.place] ?? 0;
    const word = level > 0 ? `${level} ${shading.words[String(level)] ?? ""}` : "";
    const label = level > 0 ? `${one.properties.name}\n${word}` : one.properties.name;
    return { ...one, id, properties: { ...one.properties, level, label } };
  });
  const map = new MapView({
    container: holder,
    attributionControl: false,
    locale: { "Map.Title": holder.getAttribute("aria-label") ?? "" },
    bounds: bounds(focus === "shaded" && shaded.length > 0 ? shaded : outlines.features),
    fitBoundsOptions: { padding: 24, maxZoom: 8 },
    dragRotate: false,
    pitchWithRotate: false,
    cooperativeGestures: window.matchMedia("(max-width: 700px)").matches,
    style: {
      version: 8,
      sources: {
        places: { type: "geojson", data: { type: "FeatureCollection", features } as never },
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
  map.addLayer({
    id: "lines",
    type: "line",
    source: "places",
    paint: { "line-color": colour("line"), "line-width": ["case", [">", ["get", "level"], 0], 1.6, 0.6] },
  });
  map.addLayer({
    id: "labels",
    type: "symbol",
    source: "places",
    filter: [">", ["get", "level"], 0],
    layout: {
      "text-field": ["get", "label"],
      "text-font": ["sans-serif"],
      "text-size": 12,
      // Beside the middle of the place: a small place must not vanish under its own name.
      "text-variable-anchor": ["top", "bottom", "left", "right"],
      "text-radial-offset": 0.8,
      "symbol-sort-key": ["get", "level"],
    },
    paint: { "text-color": colour("text"), "text-halo-color": colour("halo"), "text-halo-width": 1.6 },
  });
  const said = holder.parentElement?.querySelector<HTMLElement>("[data-map-place]");
  map.on("mousemove", "land", (event) => {
    const label = event.features?.[0]?.properties["label"] as string | undefined;
    if (said) said.textContent = (label ?? "").replace("\n", " · ");
  });
  map.on("idle", () => {
    holder.dataset["ready"] = "yes";
  });
}

for (const holder of document.querySelectorAll<HTMLElement>("[data-outlines]")) {
  holder.replaceChildren();
  draw(holder).catch((error: unknown) => {
    holder.textContent = holder.dataset["failed"] ?? "";
    console.error(error);
  });
}
