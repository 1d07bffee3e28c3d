// The panel on a map, period by period: a place is darker the nearer its value is to the bound; an alarm has
// a triangle, an unknown a square, so that colour never stands alone. Over it the clusters of a scan, where the
// page has them: members with a thick outline, a circle drawn through or dashed, and the number of the table.
// The map is as large as the frame around the places shown; their neighbours are pale and run out of it.
import { LinesChart, ScatterChart } from "echarts/charts";
import { AriaComponent, GeoComponent, TooltipComponent } from "echarts/components";
import { init, registerMap, use } from "echarts/core";
import { LabelLayout } from "echarts/features";
import { CanvasRenderer } from "echarts/renderers";
import { islands, type Drawn } from "./islands";
import { UNKNOWN, ALARM, answer, colour, comes, faint, language, read, said, shown, verdict, type Maybe, type Option, type Panel, type Row } from "./panel";

use([AriaComponent, CanvasRenderer, GeoComponent, LabelLayout, LinesChart, ScatterChart, TooltipComponent]);

type Point = [number, number]; // longitude, latitude
type Cluster = { rank: number; strong: boolean; members: string[]; centre: Point; ring: Point[]; words: string };
type Scan = { clusters: Cluster[]; points: { place: string; name: string; at: Point }[] };
type Polygon = Point[][];
type Outline = { properties: { place: string; name: string }; geometry: { type: string; coordinates: Polygon[] } };
/** What a map stands on: outlines by place, a middle for each, and the frame west, south, east, north. */
type Ground = { map: string; frame: [number, number, number, number]; names: Map<string, string>; middles: Map<string, Point> };

/** The scan that the page shows now; an empty one while it is worked out. */
function scan(): Scan {
  const told = document.querySelector<HTMLElement>("[data-clusters]")?.dataset["clusters"];
  return told === undefined ? { clusters: [], points: [] } : (JSON.parse(told) as Scan);
}

/** A longitude on the turn of the globe that a frame shows. */
function turned([lon, lat]: Point, { frame: [west, , east] }: Ground): Point {
  const middle = (west + east) / 2;
  return [lon + 360 * Math.round((middle - lon) / 360), lat];
}

/** The middle of the largest polygon of an outline: where its mark stands. */
function middle(outline: Outline): Point | undefined {
  let best: Point | undefined;
  let most = -1;
  for (const [ring] of outline.geometry.coordinates) {
    if (ring === undefined) continue;
    let [area, x, y] = [0, 0, 0];
    ring.forEach(([x0, y0], n) => {
      const [x1, y1] = ring[(n + 1) % ring.length] ?? [0, 0];
      const cross = x0 * y1 - x1 * y0;
      area += cross;
      x += (x0 + x1) * cross;
      y += (y0 + y1) * cross;
    });
    if (area === 0 || Math.abs(area) <= most) continue;
    most = Math.abs(area);
    best = [x / (3 * area), y / (3 * area)];
  }
  return best;
}

const grounds = new Map<string, Promise<Ground>>();
let laying = 0; // a name for each

/** The outlines at the holder's address; without one the frame alone, for places that are points. */
function ground(holder: HTMLElement): Promise<Ground> {
  const { frame = "", shapes, under = "" } = holder.dataset;
  const key = `${frame} ${shapes ?? ""} ${under}`;
  const box = frame.split(",").map(Number) as Ground["frame"];
  const known = grounds.get(key);
  if (known !== undefined) return known;
  const found = laid(`ground-${laying++}`, box, shapes, under);
  grounds.set(key, found);
  found.catch(() => grounds.delete(key)); // the next map asks again
  return found;
}

async function laid(map: string, frame: Ground["frame"], address: string | undefined, under: string): Promise<Ground> {
  let features: Outline[] = [];
  if (address !== undefined) {
    const answered = await fetch(address, { credentials: "same-origin" });
    if (!answered.ok) throw new Error(`${answered.status} ${address}`);
    ({ features } = (await answered.json()) as { features: Outline[] });
    // what has a line of its own is drawn last, or its neighbours' pale lines would cover it
    features.sort((a, b) => Number(a.properties.place === under) - Number(b.properties.place === under));
  }
  const [west, south, east, north] = frame;
  const sheet: Point[] = [[west, south], [east, south], [east, north], [west, north], [west, south]];
  const blank = { properties: { place: "", name: "" }, geometry: { type: "MultiPolygon", coordinates: [[sheet]] } };
  const shapes = { type: "FeatureCollection", features: features.length > 0 ? features : [blank] };
  registerMap(map, shapes as unknown as Parameters<typeof registerMap>[1]);
  const middles = new Map<string, Point>();
  for (const one of features) {
    const at = middle(one);
    if (one.properties.place !== "" && at !== undefined) middles.set(one.properties.place, at);
  }
  return { map, frame, names: new Map(features.map((one) => [one.properties.place, one.properties.name])), middles };
}

/** The map itself, without marks. The place that all others lie in has a line of its own. */
function sheet(holder: HTMLElement, stands: Ground, regions: Option[]): Option {
  const under = holder.dataset["under"] ?? "";
  const [west, south, east, north] = stands.frame;
  return {
    map: stands.map,
    nameProperty: "place",
    roam: false,
    selectedMode: false,
    clip: false, // neighbours run on to the edge of the window
    left: 14,
    right: 14,
    top: 14,
    bottom: 14,
    preserveAspect: "contain",
    boundingCoords: [
      [west, north],
      [east, south],
    ],
    aspectScale: Math.max(0.1, Math.cos((((south + north) / 2) * Math.PI) / 180)),
    tooltip: { show: true },
    label: { show: false },
    itemStyle: stands.names.size > 0 ? { areaColor: colour("raised"), borderColor: faint("line-strong", 0.55), borderWidth: 0.6 } : { opacity: 0 },
    emphasis: { disabled: true },
    regions: under === "" ? regions : [...regions, { name: under, itemStyle: { borderColor: colour("text"), borderWidth: 1.4 } }],
  };
}

/** Where the number of a cluster stands: on the northern edge of its circle, where no place hides it. */
function top(cluster: Cluster): Point {
  return cluster.ring.reduce((a, b) => (b[1] > a[1] ? b : a), cluster.centre);
}

/** Rings and numbers of the clusters. */
function rings(found: Cluster[], stands: Ground): Option[] {
  const tone = (one: Cluster): string => colour(one.strong ? "alarm" : "text");
  return [
    {
      type: "lines",
      coordinateSystem: "geo",
      polyline: true,
      silent: true,
      z: 5,
      data: found
        .filter((one) => one.ring.length > 0)
        .map((one) => {
          // the whole ring on the turn of its first point, or it would run around the globe
          const shift = turned(one.ring[0] as Point, stands)[0] - (one.ring[0] as Point)[0];
          return {
            coords: one.ring.map(([lon, lat]) => [lon + shift, lat]),
            lineStyle: { color: tone(one), width: one.strong ? 2.5 : 1.5, type: one.strong ? "solid" : "dashed", opacity: 1 },
          };
        }),
    },
    {
      type: "scatter",
      coordinateSystem: "geo",
      z: 8,
      symbolSize: 20,
      data: found.map((one) => ({
        value: turned(top(one), stands),
        symbolOffset: one.ring.length > 0 ? [0, 0] : [13, -13], // beside a place that is a cluster by itself
        name: one.words,
        itemStyle: { color: colour("panel"), borderColor: tone(one), borderWidth: one.strong ? 2.5 : 1.5, borderType: one.strong ? "solid" : "dashed" },
        label: { show: true, formatter: String(one.rank), color: colour("text"), fontSize: 11, fontWeight: "bold" },
      })),
    },
  ];
}

function described(holder: HTMLElement): Option {
  return {
    animation: false,
    aria: { enabled: true, label: { description: holder.getAttribute("aria-label") ?? "" } },
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
  };
}

/** How a place is filled in a period. */
function fill(row: Row, period: number): string {
  const alarm = row.alarm[period] ?? UNKNOWN;
  if (alarm === ALARM) return colour("alarm");
  if (alarm === UNKNOWN) return faint("muted", 0.28);
  return faint("accent", 0.12 + 0.55 * Math.min(1, Math.max(0, row.near[period] ?? 0)));
}

function shaded(holder: HTMLElement, panel: Panel, stands: Ground, period: number): Option {
  const found = scan().clusters;
  const members = new Set(found.filter((one) => one.strong).flatMap((one) => one.members));
  const edge = members.size > 12 ? 1.2 : 2.5; // many small places would be one dark patch
  const at = panel.tested[period] ?? 0;
  const text = colour("text");
  const rows = new Map(panel.series.map((row) => [row.place ?? "", row]));
  const outlined = (place: string): Option => (members.has(place) ? { borderColor: text, borderWidth: edge } : { borderColor: colour("line-strong"), borderWidth: 0.9 });
  const regions = [
    // members of a cluster that have no chart on this page
    ...[...members].filter((place) => !rows.has(place)).map((name) => ({ name, itemStyle: outlined(name) })),
    ...panel.series
      .filter((row) => row.at === undefined)
      .map((row) => ({
        name: row.place ?? "",
        // the whole is drawn around its parts, not over them
        itemStyle: row.whole === true ? { areaColor: colour("raised"), borderColor: text, borderWidth: 1.4 } : { areaColor: fill(row, period), ...outlined(row.place ?? "") },
      })),
  ];
  const points = panel.series.filter((row) => row.at !== undefined && row.whole !== true);
  const marked = panel.series.flatMap((row) => {
    const alarm = row.alarm[period] ?? UNKNOWN;
    const stood = row.at ?? stands.middles.get(row.place ?? "");
    if (alarm === 0 || stood === undefined || row.whole === true) return [];
    const strong = alarm === ALARM;
    return [
      {
        name: row.place ?? "",
        value: turned(stood, stands),
        symbol: strong ? "triangle" : "rect",
        symbolSize: strong ? 13 : 8,
        itemStyle: strong
          ? { color: colour("alarm"), borderColor: colour("panel"), borderWidth: 1.5 }
          : { color: colour("panel"), borderColor: colour("muted"), borderWidth: 1.5 },
      },
    ];
  });
  return {
    ...described(holder),
    tooltip: {
      trigger: "item",
      renderMode: "richText",
      confine: true,
      formatter: (part: { name: string }) => {
        const row = rows.get(part.name);
        return row === undefined ? (stands.names.get(part.name) ?? part.name) : answer(panel, row, at);
      },
    },
    geo: sheet(holder, stands, regions),
    series: [
      {
        type: "scatter",
        coordinateSystem: "geo",
        z: 4,
        symbolSize: 15,
        data: points.map((row) => ({
          name: row.place ?? "",
          value: turned(row.at as Point, stands),
          itemStyle: { color: fill(row, period), ...outlined(row.place ?? "") },
          label: { show: true, formatter: row.name[language()], position: "bottom", distance: 3, color: text, fontSize: 10.5, textBorderColor: colour("raised"), textBorderWidth: 2.5 },
        })),
        labelLayout: { hideOverlap: true },
      },
      { type: "scatter", coordinateSystem: "geo", z: 7, data: marked },
      ...rings(found, stands),
    ],
  };
}

/** The clusters alone, with the places that were scanned. */
function scanned(holder: HTMLElement, stands: Ground): Option {
  const { clusters: found, points } = scan();
  const text = colour("text");
  const members = new Set(found.filter((one) => one.strong).flatMap((one) => one.members));
  const edge = members.size > 12 ? 1.2 : 2.5;
  const outlined = points.filter((one) => stands.names.has(one.place));
  const bare = points.filter((one) => !stands.names.has(one.place));
  return {
    ...described(holder),
    tooltip: {
      trigger: "item",
      renderMode: "richText",
      confine: true,
      formatter: (part: { name: string }) => stands.names.get(part.name) ?? part.name,
    },
    geo: sheet(
      holder,
      stands,
      outlined.map((one) => ({
        name: one.place,
        itemStyle: {
          areaColor: faint("accent", 0.22),
          borderColor: members.has(one.place) ? text : colour("line-strong"),
          borderWidth: members.has(one.place) ? edge : 0.7,
        },
      })),
    ),
    series: [
      {
        type: "scatter",
        coordinateSystem: "geo",
        z: 4,
        data: bare.map((one) => ({
          name: one.name,
          value: turned(one.at, stands),
          symbolSize: members.has(one.place) ? 12 : 8,
          itemStyle: {
            color: faint("accent", 0.45),
            borderColor: members.has(one.place) ? text : colour("line-strong"),
            borderWidth: members.has(one.place) ? 2.5 : 0.7,
          },
          label: { show: bare.length <= 40, formatter: one.name, position: "bottom", distance: 3, color: text, fontSize: 10.5, textBorderColor: colour("raised"), textBorderWidth: 2.5 },
        })),
        labelLayout: { hideOverlap: true },
      },
      ...rings(found, stands),
    ],
  };
}

/** Draw an option into a holder, again when its size, the theme or what `again` tells of changes. */
function shownIn(holder: HTMLElement, option: () => Option, again: [EventTarget, string][]): Drawn {
  holder.replaceChildren();
  const chart = init(holder);
  const show = (): void => chart.setOption(option(), true);
  show();
  const told: [EventTarget, string][] = [
    ...again,
    [window.matchMedia("(prefers-color-scheme: dark)"), "change"],
    [window, "beforeprint"],
    [window, "afterprint"],
  ];
  for (const [target, event] of told) target.addEventListener(event, show);
  const watcher = new ResizeObserver(() => {
    if (!holder.isConnected || holder.clientWidth === 0) return; // gone before it was removed
    chart.resize();
    show();
  });
  watcher.observe(holder);
  holder.dataset["ready"] = language();
  return {
    remove(): void {
      watcher.disconnect();
      for (const [target, event] of told) target.removeEventListener(event, show);
      chart.dispose();
    },
  };
}

function slider(holder: HTMLElement): HTMLInputElement | null {
  return document.querySelector<HTMLInputElement>(holder.dataset["slider"] ?? "");
}

async function drawPanel(holder: HTMLElement): Promise<Drawn> {
  const [panel, stands] = await Promise.all([read(holder.dataset["panelMap"] ?? ""), ground(holder)]);
  const range = slider(holder);
  const last = panel.tested.length - 1;
  const period = (): number => (range === null || range.max !== String(last) ? last : Number(range.value));
  // the clusters came, or others were asked for
  const again: [EventTarget, string][] = [[document.body, "htmx:afterSettle"]];
  if (range !== null) again.push([range, "input"]);
  return shownIn(holder, () => shaded(holder, panel, stands, period()), again);
}

async function drawScan(holder: HTMLElement): Promise<Drawn> {
  const stands = await ground(holder);
  return shownIn(holder, () => scanned(holder, stands), []);
}

/** The slider of the periods and the table that says in words what the map shows. */
async function periods(range: HTMLInputElement): Promise<Drawn> {
  const panel = await read(range.dataset["panelPeriod"] ?? "");
  const told = document.querySelector<HTMLElement>(range.dataset["told"] ?? "");
  const table = document.querySelector<HTMLElement>(range.dataset["table"] ?? "");
  const rows = new Map(panel.series.map((row) => [row.place ?? "", row]));
  const last = panel.tested.length - 1;
  const show = (): void => {
    const j = Number(range.value);
    const at = panel.tested[j] ?? 0;
    const label = panel.axis[at] ?? "";
    if (told !== null) told.textContent = label;
    range.setAttribute("aria-valuetext", label);
    for (const line of table?.querySelectorAll<HTMLElement>("[data-place]") ?? []) {
      const row = rows.get(line.dataset["place"] ?? "");
      if (row !== undefined) tell(line, panel, row, at, j, table?.dataset["gap"] ?? "–");
    }
  };
  range.max = String(last);
  range.value = String(last);
  range.hidden = false;
  range.addEventListener("input", show);
  show();
  return { remove: () => range.removeEventListener("input", show) };
}

function tell(line: HTMLElement, panel: Panel, row: Row, at: number, j: number, gap: string): void {
  const put = (cell: string, text: string): void => {
    const found = line.querySelector<HTMLElement>(`[data-cell="${cell}"]`);
    if (found !== null) found.textContent = text;
  };
  const known = (value: Maybe | undefined): string => (value === null || value === undefined ? said(panel, "unknown") : shown(value));
  put("value", row.values[at] === null ? gap : shown(row.values[at]));
  put("expected", known(row.expected[j]));
  put("threshold", known(row.threshold[j]));
  const answered = line.querySelector<HTMLElement>('[data-cell="answer"]');
  if (answered === null) return;
  const word = document.createElement("span");
  word.className = `answer answer-${(row.alarm[j] ?? UNKNOWN) + 1}`;
  word.textContent = said(panel, verdict(row.alarm[j]));
  const why = document.createElement("span");
  why.className = "muted";
  const reason = row.reason[j] ?? 0;
  const coming = comes(panel, row, at);
  const told = [reason === 0 ? "" : (panel.reasons[String(reason)]?.[language()] ?? ""), coming ?? ""].filter(Boolean);
  why.textContent = told.length > 0 ? ` ${told.join(language() === "zh" ? "；" : "; ")}` : "";
  answered.replaceChildren(word, why);
}

islands("[data-panel-period]", (holder) => periods(holder as HTMLInputElement));
islands("[data-panel-map]", drawPanel);
islands("[data-scan-map]", drawScan);
