// The chart island: a series with the findings that were made on it.
import { LineChart, ScatterChart } from "echarts/charts";
import { AriaComponent, DataZoomComponent, GridComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { islands, type Drawn } from "./islands";

use([LineChart, ScatterChart, AriaComponent, DataZoomComponent, GridComponent, TooltipComponent, CanvasRenderer]);

type Words = { en: string; zh: string };
type Finding = { at: string; value: number | null; threshold: number | null; level: number | null; say: Words };
type Series = { title: Words; unit: string; single: boolean; points: [string, number | null][]; findings: Finding[] };

// Shapes repeat the level: colour never stands alone.
const SHAPES: Record<number, string> = { 1: "diamond", 2: "triangle", 3: "rect", 4: "circle" };

function colour(name: string): string {
  const probe = document.createElement("span");
  probe.className = `map-${name}`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

async function draw(holder: HTMLElement): Promise<Drawn> {
  const answer = await fetch(holder.dataset["series"] ?? "", { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`${answer.status}`);
  const series = (await answer.json()) as Series;
  const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const chart = init(holder);
  const values = new Map(series.points);
  const threshold = series.findings.map((one) => one.threshold).find((value) => value !== null);
  const text = colour("text");
  const line = colour("line");
  const unit = holder.dataset["unit"] ?? "";
  chart.setOption({
    animation: !still,
    aria: { enabled: true, label: { description: holder.getAttribute("aria-label") ?? "" } },
    grid: { left: 8, right: 20, top: 34, bottom: 56, containLabel: true },
    textStyle: { color: text, fontFamily: getComputedStyle(document.body).fontFamily },
    tooltip: { trigger: "axis", renderMode: "richText", confine: true },
    dataZoom: [{ type: "slider", height: 20, bottom: 12, borderColor: line, textStyle: { color: text } }],
    xAxis: { type: "time", axisLine: { lineStyle: { color: line } }, axisLabel: { color: text, hideOverlap: true } },
    yAxis: {
      type: "value",
      name: unit,
      nameTextStyle: { color: text, align: "left" },
      axisLabel: { color: text },
      splitLine: { lineStyle: { color: line, opacity: 0.6 } },
    },
    series: [
      {
        // Single events have no value in between: dots, no line.
        type: series.single ? "scatter" : "line",
        name: series.title[language],
        data: series.points,
        showSymbol: series.single,
        symbolSize: 6,
        connectNulls: false,
        lineStyle: { color: colour("accent"), width: 1.8 },
        itemStyle: { color: colour("accent") },
      },
      ...(threshold === undefined || series.points.length === 0
        ? []
        : [
            {
              type: "line",
              name: holder.dataset["threshold"] ?? "",
              data: [
                [series.points[0]?.[0], threshold],
                [series.points.at(-1)?.[0], threshold],
              ],
              showSymbol: false,
              lineStyle: { color: text, type: "dashed", width: 1 },
              itemStyle: { color: text },
            },
          ]),
      {
        type: "scatter",
        name: holder.dataset["findings"] ?? "",
        symbolSize: 13,
        z: 5,
        data: series.findings.map((one) => ({
          value: [one.at, one.value ?? values.get(one.at) ?? null],
          symbol: SHAPES[one.level ?? 0] ?? "pin",
          itemStyle: {
            color: one.level === null ? line : colour(`level-${one.level}`),
            borderColor: text,
            borderWidth: 1,
          },
        })),
      },
    ],
  });
  const watcher = new ResizeObserver(() => chart.resize());
  watcher.observe(holder);
  holder.dataset["ready"] = "yes";
  return {
    remove(): void {
      watcher.disconnect();
      chart.dispose();
    },
  };
}

islands("[data-series]", draw);
