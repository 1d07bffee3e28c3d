// The drawing island: a polygon or a circle drawn on the map goes into the form as coordinates, and what is
// typed there is drawn. The text field is the record; without the map everything can be typed.
import { islands } from "./islands";
import { Map as MapView, NavigationControl, setWorkerUrl, type GeoJSONSource } from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";

type Point = [number, number];
type Outline = { properties: { place: string }; geometry: { coordinates: unknown } };

const EARTH_KM = 6371.0072;

function colour(name: string): string {
  const probe = document.createElement("span");
  probe.className = `map-${name}`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function box(coordinates: unknown, found: [number, number, number, number]): void {
  if (!Array.isArray(coordinates)) return;
  if (typeof coordinates[0] === "number") {
    const [x, y] = coordinates as Point;
    found[0] = Math.min(found[0], x);
    found[1] = Math.min(found[1], y);
    found[2] = Math.max(found[2], x);
    found[3] = Math.max(found[3], y);
    return;
  }
  for (const part of coordinates) box(part, found);
}

/** Great-circle distance in kilometres. */
function distance(a: Point, b: Point): number {
  const rad = Math.PI / 180;
  const [dLat, dLon] = [(b[1] - a[1]) * rad, (b[0] - a[0]) * rad];
  const h = Math.sin(dLat / 2) ** 2 + Math.cos(a[1] * rad) * Math.cos(b[1] * rad) * Math.sin(dLon / 2) ** 2;
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** A circle as a ring to look at; what is warned is worked out by the server. */
function ring(centre: Point, km: number): Point[] {
  const [lon, lat] = centre;
  const dLat = (km / EARTH_KM) * (180 / Math.PI);
  const dLon = dLat / Math.max(0.01, Math.cos((lat * Math.PI) / 180));
  return Array.from({ length: 65 }, (_, k) => {
    const turn = (k / 64) * 2 * Math.PI;
    return [lon + dLon * Math.cos(turn), lat + dLat * Math.sin(turn)] as Point;
  });
}

const written = (at: Point): string => `${at[1].toFixed(4)},${at[0].toFixed(4)}`;

/** What is typed in the field, as rings; nothing where it cannot be read (the server says why). */
function read(text: string): Point[][] {
  const words = text.trim().replace(/;/g, " ").split(/\s+/).filter(Boolean);
  const pair = (word: string): Point | undefined => {
    const [lat, lon] = word.split(",").map(Number);
    return lat === undefined || lon === undefined || Number.isNaN(lat + lon) ? undefined : [lon, lat];
  };
  if (words.length === 0) return [];
  if (text.trim().startsWith("{")) {
    try {
      const found = JSON.parse(text) as { type: string; coordinates: Point[][] | Point[][][] };
      return found.type === "MultiPolygon" ? (found.coordinates as Point[][][]).flat() : (found.coordinates as Point[][]);
    } catch {
      return [];
    }
  }
  if (words[0] === "circle" || words[0] === "圆") {
    const centre = pair(words[1] ?? "");
    const km = Number(words[2]);
    return centre === undefined || !(km > 0) ? [] : [ring(centre, km)];
  }
  const points = words.map(pair).filter((one): one is Point => one !== undefined);
  return points.length === words.length && points.length > 1 ? [[...points, points[0] as Point]] : [];
}

function button(label: string): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "quiet";
  made.textContent = label;
  return made;
}

async function draw(holder: HTMLElement, before: MapView | undefined): Promise<MapView> {
  const { outlines = "", worker = "", places = "", into = "" } = holder.dataset;
  const field = document.getElementById(into) as HTMLTextAreaElement | null;
  if (field === null) throw new Error("no field to write into");
  setWorkerUrl(new URL(worker, window.location.href).href);
  const answer = await fetch(outlines, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`${answer.status} ${outlines}`);
  const { features } = (await answer.json()) as { features: Outline[] };
  const chosen = new Set(places.split(/\s+/));
  const focus = features.filter((one) => chosen.has(one.properties.place));
  const bounds: [number, number, number, number] = [180, 90, -180, -90];
  for (const one of focus.length > 0 ? focus : features) box(one.geometry.coordinates, bounds);
  const map = new MapView({
    container: holder,
    attributionControl: false,
    renderWorldCopies: false,
    bounds: bounds[0] > bounds[2] ? [-180, -60, 180, 75] : bounds,
    fitBoundsOptions: { padding: 24, maxZoom: 10 },
    dragRotate: false,
    pitchWithRotate: false,
    doubleClickZoom: false,
    style: {
      version: 8,
      sources: {
        places: { type: "geojson", data: { type: "FeatureCollection", features } as never },
        chosen: { type: "geojson", data: { type: "FeatureCollection", features: focus } as never },
        drawn: { type: "geojson", data: { type: "FeatureCollection", features: [] } },
      },
      layers: [
        { id: "ground", type: "background", paint: { "background-color": colour("sea") } },
        { id: "land", type: "fill", source: "places", paint: { "fill-color": colour("land") } },
        { id: "lines", type: "line", source: "places", paint: { "line-color": colour("line"), "line-width": 0.6 } },
        { id: "chosen", type: "line", source: "chosen", paint: { "line-color": colour("text"), "line-width": 1.6 } },
        { id: "drawn", type: "fill", source: "drawn", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": colour("accent"), "fill-opacity": 0.3 } },
        { id: "edge", type: "line", source: "drawn", paint: { "line-color": colour("accent"), "line-width": 2.5 } },
        { id: "corners", type: "circle", source: "drawn", filter: ["==", ["geometry-type"], "Point"], paint: { "circle-radius": 5, "circle-color": colour("accent") } },
      ],
    },
  });
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  await map.once("load");
  let mode: "" | "polygon" | "circle" = "";
  let points: Point[] = [];
  const feature = (type: string, coordinates: unknown) => ({ type: "Feature", properties: {}, geometry: { type, coordinates } });
  const show = (): void => {
    const rings = read(field.value).map((one) => feature("Polygon", [one]));
    const begun = points.length > 0 ? [feature("LineString", points.length > 1 ? points : [points[0], points[0]]), ...points.map((at) => feature("Point", at))] : [];
    (map.getSource("drawn") as GeoJSONSource).setData({ type: "FeatureCollection", features: [...(mode === "" ? rings : []), ...begun] } as never);
  };
  const tools = document.createElement("div");
  tools.className = "map-tools";
  const polygon = button(holder.dataset["polygon"] ?? "");
  const circle = button(holder.dataset["circle"] ?? "");
  const done = button(holder.dataset["done"] ?? "");
  const clear = button(holder.dataset["clear"] ?? "");
  const turn = (to: typeof mode): void => {
    mode = to;
    points = [];
    done.hidden = to !== "polygon";
    polygon.setAttribute("aria-pressed", String(to === "polygon"));
    circle.setAttribute("aria-pressed", String(to === "circle"));
    map.getCanvas().style.cursor = to === "" ? "" : "crosshair";
    show();
  };
  const write = (text: string): void => {
    field.value = text;
    turn("");
  };
  polygon.addEventListener("click", () => turn(mode === "polygon" ? "" : "polygon"));
  circle.addEventListener("click", () => turn(mode === "circle" ? "" : "circle"));
  done.addEventListener("click", () => {
    if (points.length > 2) write(points.map(written).join(" "));
  });
  clear.addEventListener("click", () => write(""));
  field.addEventListener("input", show);
  map.on("click", (event) => {
    if (mode === "") return;
    points.push([event.lngLat.lng, event.lngLat.lat]);
    const [centre, rim] = points;
    if (mode === "circle" && centre !== undefined && rim !== undefined) {
      write(`circle ${written(centre)} ${Math.max(0.1, distance(centre, rim)).toFixed(1)}`);
      return;
    }
    show();
  });
  map.on("dblclick", () => {
    // the two clicks of a double click set two corners in one place
    if (mode === "polygon" && points.length > 3) write(points.slice(0, -1).map(written).join(" "));
  });
  tools.append(polygon, circle, done, clear);
  holder.append(tools);
  turn("");
  if (before !== undefined) map.jumpTo({ center: before.getCenter(), zoom: before.getZoom() });
  map.on("idle", () => {
    holder.dataset["ready"] = "yes";
  });
  return map;
}

islands("[data-into]", draw);
