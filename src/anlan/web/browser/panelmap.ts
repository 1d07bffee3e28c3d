// The panel on a map, period by period: a place is darker the nearer its value is to the bound; an alarm has
// a triangle, an unknown a square, so that colour never stands alone. Over it the clusters of a scan, where the
// page has them: members with a thick outline, a circle drawn through or dashed, and the number of the table.
import { LinesChart, ScatterChart } from "echarts/charts";
import { AriaComponent, GeoComponent, GridComponent, TooltipComponent } from "echarts/components";
import { init, registerMap, use } from "echarts/core";
import { LabelLayout } from "echarts/features";
import { CanvasRenderer } from "echarts/renderers";
import { islands, type Drawn } from "./islands";
import { ALARM, UNKNOWN, answer, colour, faint, language, read, type Option, type Panel } from "./panel";

use([AriaComponent, CanvasRenderer, GeoComponent, GridComponent, LabelLayout, LinesChart, ScatterChart, TooltipComponent]);

type Cluster = {
  rank: number;
  strong: boolean;
  members: string[];
  centre: [number, number]; // longitude, latitude
  ring: [number, number][];
  words: string;
};

type Scan = { clusters: Cluster[]; points: { place: string; name: string; at: [number, number] }[] };

/** The scan that the page shows now; an empty one while it is worked out. */
function scan(): Scan {
  const told = document.querySelector<HTMLElement>("[data-clusters]")?.dataset["clusters"];
  return told === undefined ? { clusters: [], points: [] } : (JSON.parse(told) as Scan);
}

/** Where the number of a cluster stands: on the northern edge of its circle, where no place hides it. */
function top(cluster: Cluster): [number, number] {
  return cluster.ring.reduce((a, b) => (b[1] > a[1] ? b : a), cluster.centre);
}

/** Rings and numbers of the clusters. */
function rings(found: Cluster[], coordinateSystem: "geo" | "cartesian2d"): Option[] {
  const tone = (one: Cluster): string => colour(one.strong ? "alarm" : "muted");
  return [
    {
      type: "lines",
      coordinateSystem,
      polyline: true,
      silent: true,
      z: 5,
      data: found
        .filter((one) => one.ring.length > 0)
        .map((one) => ({
          coords: one.ring,
          lineStyle: { color: tone(one), width: one.strong ? 2.5 : 1.5, type: one.strong ? "solid" : "dashed", opacity: 1 },
        })),
    },
    {
      type: "scatter",
      coordinateSystem,
      z: 6,
      symbolSize: 20,
      data: found.map((one) => ({
        value: top(one),
        name: one.words,
        itemStyle: { color: colour("panel"), borderColor: tone(one), borderWidth: one.strong ? 2.5 : 1.5, borderType: one.strong ? "solid" : "dashed" },
        label: { show: true, formatter: String(one.rank), color: colour("text"), fontSize: 11, fontWeight: "bold" },
      })),
    },
  ];
}

function shaded(holder: HTMLElement, panel: Panel, period: number): Option {
  const found = scan().clusters;
  const members = new Set(found.filter((one) => one.strong).flatMap((one) => one.members));
  const edge = members.size > 12 ? 1.2 : 2.5; // many small places would be one dark patch
  const at = panel.tested[period] ?? 0;
  const text = colour("text");
  const rows = new Map(panel.series.map((row) => [row.place ?? "", row]));
  return {
    animation: false,
    aria: { enabled: true, label: { description: holder.getAttribute("aria-label") ?? "" } },
    tooltip: {
      trigger: "item",
      renderMode: "richText",
      confine: true,
      formatter: (part: { name: string; componentType: string }) => {
        if (part.componentType === "series") return part.name;
        const row = rows.get(part.name);
        return row === undefined ? "" : answer(panel, row, at);
      },
    },
    geo: {
      map: "shapes",
      nameProperty: "place",
      roam: false,
      selectedMode: false,
      tooltip: { show: true },
      label: { show: false },
      itemStyle: { areaColor: colour("raised"), borderColor: colour("line-strong"), borderWidth: 0.7 },
      emphasis: { label: { show: false }, itemStyle: { areaColor: undefined, borderColor: text, borderWidth: 1.5 } },
      regions: [
        // members of a cluster that have no chart on this page
        ...[...members]
          .filter((place) => !rows.has(place))
          .map((name) => ({ name, itemStyle: { borderColor: text, borderWidth: edge } })),
        ...panel.series.map((row) => {
          const alarm = row.alarm[period] ?? UNKNOWN;
          const near = Math.min(1, Math.max(0, row.near[period] ?? 0));
          const fill =
            alarm === ALARM ? colour("alarm") : alarm === UNKNOWN ? faint("muted", 0.28) : faint("accent", 0.12 + 0.5 * near);
          const member = members.has(row.place ?? "");
          const outline = member ? { borderColor: text, borderWidth: edge } : {};
          const label = {
            show: alarm !== 0,
            formatter: alarm === ALARM ? "▲" : "◻",
            color: alarm === ALARM ? colour("panel") : text,
            fontSize: 12,
          };
          return {
            name: row.place ?? "",
            itemStyle: { areaColor: fill, ...outline },
            label,
            emphasis: { label, itemStyle: { areaColor: fill } },
          };
        }),
      ],
    },
    series: rings(found, "geo"),
  };
}

/** Without outlines: the places as points, to scale in the middle of the map. */
function plain(holder: HTMLElement): Option {
  const { clusters: found, points } = scan();
  const text = colour("text");
  const members = new Set(found.filter((one) => one.strong).flatMap((one) => one.members));
  const all = [...points.map((one) => one.at), ...found.flatMap((one) => one.ring)];
  const span = (of: number[]): [number, number] => [Math.min(...of), Math.max(...of)];
  const [west, east] = span(all.map(([lon]) => lon));
  const [south, north] = span(all.map(([, lat]) => lat));
  const stretch = Math.cos(((south + north) / 2) * (Math.PI / 180));
  const [width, height] = [holder.clientWidth - 24, holder.clientHeight - 24];
  const degree = Math.min(width / Math.max((east - west) * stretch, 0.1), height / Math.max(north - south, 0.1)) * 0.94;
  const [halfX, halfY] = [width / degree / stretch / 2, height / degree / 2];
  const axis = (from: number, to: number): Option => ({ type: "value", min: from, max: to, show: false });
  return {
    animation: false,
    aria: { enabled: true, label: { description: holder.getAttribute("aria-label") ?? "" } },
    tooltip: { trigger: "item", renderMode: "richText", confine: true, formatter: (part: { name: string }) => part.name },
    grid: { left: 12, right: 12, top: 12, bottom: 12 },
    xAxis: axis((west + east) / 2 - halfX, (west + east) / 2 + halfX),
    yAxis: axis((south + north) / 2 - halfY, (south + north) / 2 + halfY),
    series: [
      {
        type: "scatter",
        z: 4,
        data: points.map((one) => ({
          name: one.name,
          value: one.at,
          symbolSize: members.has(one.place) ? 12 : 8,
          itemStyle: {
            color: faint("accent", 0.45),
            borderColor: members.has(one.place) ? text : colour("line-strong"),
            borderWidth: members.has(one.place) ? 2.5 : 0.7,
          },
          label: { show: points.length <= 40, formatter: one.name, position: "bottom", color: text, fontSize: 10 },
        })),
        labelLayout: { hideOverlap: true },
      },
      ...rings(found, "cartesian2d"),
    ],
  };
}

/** Draw an option into a holder, again when its size or the theme changes. */
function shownIn(holder: HTMLElement, option: () => Option): Promise<Drawn> {
  const chart = init(holder);
  const show = (): void => chart.setOption(option(), true);
  show();
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", show);
  const watcher = new ResizeObserver(() => {
    if (!holder.isConnected || holder.clientWidth === 0) return; // gone before it was removed
    chart.resize();
    show();
  });
  watcher.observe(holder);
  holder.dataset["ready"] = "yes";
  return Promise.resolve({
    remove(): void {
      watcher.disconnect();
      dark.removeEventListener("change", show);
      chart.dispose();
    },
  });
}

async function draw(holder: HTMLElement): Promise<Drawn> {
  const [panel, answered] = await Promise.all([
    read(holder.dataset["panelMap"] ?? ""),
    fetch(holder.dataset["shapes"] ?? "", { credentials: "same-origin" }),
  ]);
  if (!answered.ok) throw new Error(`${answered.status}`);
  registerMap("shapes", (await answered.json()) as Parameters<typeof registerMap>[1]);
  const slider = document.querySelector<HTMLInputElement>(holder.dataset["slider"] ?? "");
  const told = document.querySelector<HTMLElement>(holder.dataset["told"] ?? "");
  const last = panel.tested.length - 1;
  const chart = init(holder);
  const show = (): void => {
    const period = slider === null ? last : Number(slider.value);
    const label = panel.axis[panel.tested[period] ?? 0] ?? "";
    if (told !== null) told.textContent = label;
    slider?.setAttribute("aria-valuetext", label);
    chart.setOption(shaded(holder, panel, period), true);
  };
  if (slider !== null) {
    slider.max = String(last);
    slider.value = String(last);
    slider.hidden = false;
    slider.addEventListener("input", show);
  }
  show();
  document.body.addEventListener("htmx:afterSettle", show); // the clusters came, or others were asked for
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", show);
  const watcher = new ResizeObserver(() => {
    if (holder.isConnected && holder.clientWidth > 0) chart.resize(); // gone before it was removed
  });
  watcher.observe(holder);
  holder.dataset["ready"] = language();
  return {
    remove(): void {
      watcher.disconnect();
      document.body.removeEventListener("htmx:afterSettle", show);
      dark.removeEventListener("change", show);
      slider?.removeEventListener("input", show);
      chart.dispose();
    },
  };
}

islands("[data-panel-map]", draw);
islands("[data-scan-map]", (holder) => shownIn(holder, () => plain(holder)));
