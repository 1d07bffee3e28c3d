// The panel on a map, period by period: a place is darker the nearer its value is to the bound; an alarm has
// a triangle, an unknown a square, so that colour never stands alone.
import { MapChart } from "echarts/charts";
import { AriaComponent, GeoComponent, TooltipComponent } from "echarts/components";
import { init, registerMap, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { islands, type Drawn } from "./islands";
import { ALARM, UNKNOWN, answer, colour, faint, language, read, type Option, type Panel } from "./panel";

use([AriaComponent, CanvasRenderer, GeoComponent, MapChart, TooltipComponent]);

function shaded(holder: HTMLElement, panel: Panel, period: number): Option {
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
      formatter: (part: { name: string }) => {
        const row = rows.get(part.name);
        return row === undefined ? "" : answer(panel, row, at);
      },
    },
    series: [
      {
        type: "map",
        map: "shapes",
        nameProperty: "place",
        roam: false,
        selectedMode: false,
        label: { show: false },
        itemStyle: { areaColor: colour("raised"), borderColor: colour("line-strong"), borderWidth: 0.7 },
        emphasis: { label: { show: false }, itemStyle: { areaColor: undefined, borderColor: text, borderWidth: 1.5 } },
        data: panel.series.map((row) => {
          const alarm = row.alarm[period] ?? UNKNOWN;
          const near = Math.min(1, Math.max(0, row.near[period] ?? 0));
          const fill =
            alarm === ALARM ? colour("alarm") : alarm === UNKNOWN ? faint("muted", 0.28) : faint("accent", 0.12 + 0.5 * near);
          return {
            name: row.place ?? "",
            value: near,
            itemStyle: { areaColor: fill },
            emphasis: { itemStyle: { areaColor: fill } },
            label: {
              show: alarm !== 0,
              formatter: alarm === ALARM ? "▲" : "◻",
              color: alarm === ALARM ? colour("panel") : text,
              fontSize: 12,
            },
          };
        }),
      },
    ],
  };
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
      dark.removeEventListener("change", show);
      slider?.removeEventListener("input", show);
      chart.dispose();
    },
  };
}

islands("[data-panel-map]", draw);
