// One series as a chart: values, expectation and bound as a band, alarms, what is unknown, missing or still
// to come.
import { ticked } from "./axis";
import type { Drawing } from "./drawing";
import {
  ALARM,
  UNKNOWN,
  answer,
  colour,
  digits,
  expects,
  faint,
  language,
  said,
  unit,
  type Maybe,
  type Option,
  type Panel,
  type Row,
} from "./panel";

const STROKE = "path://M0,4.4h18v1.6h-18z";
const DASHES = "path://M0,4.4h4v1.6h-4zM7,4.4h4v1.6h-4zM14,4.4h4v1.6h-4z";
const DOTS = "path://M0,4.4h2v1.6h-2zM4,4.4h2v1.6h-2zM8,4.4h2v1.6h-2zM12,4.4h2v1.6h-2zM16,4.4h2v1.6h-2z";
const ICONS = {
  value: STROKE,
  later: DOTS,
  expected: DASHES,
  threshold: STROKE,
  alarm: "triangle",
  unknown: "rect",
  in_the_end: "path://M7,1h6v1.4h-2.3v2.1l3,2.5l-3,2.5v2.1h2.3v1.4h-6v-1.4h2.3v-2.1l-3,-2.5l3,-2.5v-2.1h-2.3z",
  so_far: "emptyCircle",
};

/** A value with none before it and none after it. */
function alone(values: Maybe[], at: number): boolean {
  return values[at] !== null && (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null;
}

/** Runs of missing values as [first, last] indexes. */
function gaps(values: Maybe[]): [number, number][] {
  const found: [number, number][] = [];
  values.forEach((value, i) => {
    if (value !== null) return;
    const last = found.at(-1);
    if (last !== undefined && last[1] === i - 1) last[1] = i;
    else found.push([i, i]);
  });
  return found;
}

function full(panel: Panel, values: Maybe[]): Maybe[] {
  const found: Maybe[] = new Array<Maybe>(panel.axis.length).fill(null);
  panel.tested.forEach((at, j) => (found[at] = values[j] ?? null));
  return found;
}

/** The chart of one row of a panel. */
export function curve(holder: HTMLElement, panel: Panel, row: Row): Option {
  const small = holder.dataset["small"] === "yes";
  const text = colour("text");
  const line = colour("line");
  const values = row.values;
  const expected = full(panel, row.expected);
  const threshold = full(panel, row.threshold);
  const alarms: [number, number][] = [];
  const unknown: [number, number][] = [];
  panel.tested.forEach((at, j) => {
    if (row.alarm[j] === ALARM) alarms.push([at, values[at] ?? 0]);
    if (row.alarm[j] === UNKNOWN) unknown.push([at, 0]);
  });
  const first = panel.tested[0] ?? 0;
  const last = panel.axis.length - 1;
  const from = small ? 0 : opening(panel);
  const expecting = expects(row);
  const both = expected.map((value, i) => {
    const bound = threshold[i];
    return value === null || bound === null || bound === undefined ? null : Math.max(0, bound - value);
  });
  const sure = (row.coming ?? []).filter((one) => one.median !== null);
  const unsure = (row.coming ?? []).filter((one) => one.median === null && row.values[one.at] !== null);
  const quiet = { showSymbol: false, silent: true, tooltip: { show: false } };
  return {
    animation: false,
    aria: { enabled: true, label: { description: holder.getAttribute("aria-label") ?? row.name[language()] } },
    textStyle: { color: text, fontFamily: getComputedStyle(document.body).fontFamily },
    grid: small
      ? { left: 4, right: 8, top: 10, bottom: 4, containLabel: true }
      : { left: 8, right: 28, top: holder.clientWidth < NARROW ? 78 : 60, bottom: 56, containLabel: true },
    legend: small
      ? { show: false }
      : {
          top: 4,
          left: 0,
          itemWidth: 18,
          textStyle: { color: text },
          itemHeight: 11,
          data: Object.entries(ICONS)
            .filter(([word]) => (word !== "later" || row.later !== undefined) && (word !== "expected" || expecting))
            .filter(([word]) => (word !== "in_the_end" || sure.length > 0) && (word !== "so_far" || unsure.length > 0))
            .map(([word, icon]) => ({ name: said(panel, word), icon })),
        },
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      confine: true,
      formatter: (parts: { dataIndex: number; seriesIndex: number }[]) => {
        const part = parts.find((one) => one.seriesIndex === 0) ?? parts[0];
        return part === undefined ? "" : answer(panel, row, part.dataIndex);
      },
    },
    dataZoom: small
      ? []
      : [
          {
            type: "slider",
            height: 20,
            bottom: 10,
            startValue: from,
            endValue: last,
            borderColor: line,
            textStyle: { color: text },
            showDetail: false,
          },
        ],
    xAxis: {
      type: "category",
      data: panel.axis,
      boundaryGap: false,
      axisLine: { lineStyle: { color: line } },
      ...dated(panel, holder, from, last, text),
    },
    yAxis: [{
      type: "value",
      name: small ? "" : unit(panel),
      nameTextStyle: { color: text, align: "left" },
      splitNumber: small ? 2 : 5,
      // values far from zero would be a flat line below an empty chart
      minInterval: values.every((value) => value === null || Number.isInteger(value)) ? 1 : 0,
      scale: far([...values, ...expected, ...threshold]),
      axisLabel: { color: text, formatter: digits },
      splitLine: { lineStyle: { color: line, opacity: 0.6 } },
    },
    // what is unknown has no value: its marks stand on the ground, wherever that is
    { type: "value", min: 0, max: 1, show: false },
    ],
    series: [
      {
        type: "line",
        name: said(panel, "value"),
        data: values.map((value, at) => (alone(values, at) ? { value, symbol: "circle" } : value)),
        step: false,
        // a value between two gaps has no line: a dot stands for it
        symbol: "none",
        symbolSize: small ? 3.5 : 5,
        showAllSymbol: true,
        connectNulls: false,
        z: 4,
        lineStyle: { color: colour("accent"), width: 1.6 },
        itemStyle: { color: colour("accent") },
        markArea: {
          silent: true,
          itemStyle: { color: faint("muted", 0.22) },
          data: gaps(values).map(([a, b]) => [
            { xAxis: Math.max(0, a - 0.5), name: "" },
            { xAxis: Math.min(panel.axis.length - 1, b + 0.5) },
          ]),
        },
        markLine: {
          silent: true,
          symbol: "none",
          label: { show: false },
          lineStyle: { color: text, type: "dotted", width: 1 },
          data: [
            ...(first > 0 ? [{ xAxis: first }] : []),
            // from here on reports still come
            ...(row.coming?.[0] === undefined
              ? []
              : [{ xAxis: Math.max(0, row.coming[0].at - 0.5), lineStyle: { color: text, type: "dashed", width: 1 } }]),
            // what is counted changes here: a full line with the number of the list beside the chart
            ...(row.marks ?? []).map((mark) => ({
              xAxis: mark.at,
              lineStyle: { color: colour("caution"), type: "solid", width: small ? 1 : 2 },
              label: { show: !small, formatter: `◆${mark.label}`, color: text, position: "end", fontWeight: "bold" },
            })),
          ],
        },
      },
      // The band from the expected to the bound: two stacked areas, the lower one clear.
      { type: "line", stack: "band", data: expected, ...quiet, lineStyle: { width: 0 } },
      {
        type: "line",
        stack: "band",
        data: both,
        ...quiet,
        lineStyle: { width: 0 },
        areaStyle: { color: faint("accent", 0.16) },
      },
      {
        type: "line",
        name: said(panel, "expected"),
        data: expected,
        ...quiet,
        lineStyle: { color: colour("muted"), width: 1.2, type: "dashed" },
        itemStyle: { color: colour("muted") },
      },
      {
        type: "line",
        name: said(panel, "threshold"),
        data: threshold,
        ...quiet,
        lineStyle: { color: text, width: 1.2 },
        itemStyle: { color: text },
      },
      ...(row.later === undefined
        ? []
        : [
            {
              type: "line",
              name: said(panel, "later"),
              data: row.later,
              ...quiet,
              z: 3,
              lineStyle: { color: colour("accent"), width: 1.4, type: "dotted" },
              itemStyle: { color: colour("accent") },
            },
          ]),
      // how many there will be in the end: a bar over the range, a diamond at the middle
      {
        type: "custom",
        name: said(panel, "in_the_end"),
        data: sure.map((one) => [one.at, one.median, one.lower, one.upper]),
        encode: { x: 0, y: [1, 2, 3] },
        silent: true,
        tooltip: { show: false },
        z: 5,
        itemStyle: { color: text },
        renderItem: (_: unknown, api: Drawing) => range(api, small ? 2.5 : 4, text, colour("panel")),
      },
      {
        type: "scatter",
        name: said(panel, "so_far"),
        data: unsure.map((one) => [one.at, row.values[one.at]]),
        symbol: "circle",
        symbolSize: small ? 5 : 8,
        silent: true,
        z: 5,
        itemStyle: { color: colour("panel"), borderColor: text, borderWidth: 1.5 },
      },
      {
        type: "scatter",
        name: said(panel, "alarm"),
        data: alarms,
        symbol: "triangle",
        symbolSize: small ? 9 : 13,
        silent: true,
        z: 6,
        itemStyle: { color: colour("alarm"), borderColor: colour("panel"), borderWidth: 1 },
      },
      {
        type: "scatter",
        name: said(panel, "unknown"),
        yAxisIndex: 1,
        data: unknown,
        symbol: "rect",
        symbolSize: small ? 5 : 7,
        silent: true,
        z: 5,
        itemStyle: { color: colour("panel"), borderColor: colour("muted"), borderWidth: 1.5 },
      },
    ],
  };
}

const NARROW = 480; // pixels below which the legend takes two lines

/** The first period in sight when a chart opens: the tested ones and some before. */
function opening(panel: Panel): number {
  return Math.max(0, (panel.tested[0] ?? 0) - 2 * panel.tested.length - 26);
}

/** Ticks of a chart that shows the periods from `from` to `to`. */
export function dated(panel: Panel, holder: HTMLElement, from: number, to: number, text: string): Option {
  const found = ticked(panel.axis, from, to, holder.clientWidth - 60);
  return { axisTick: { ...found.axisTick, lineStyle: { color: text } }, axisLabel: { ...found.axisLabel, color: text } };
}

/** All values are on one side of zero, and nearer to each other than to it. */
function far(values: Maybe[]): boolean {
  const known = values.filter((value): value is number => value !== null);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  return known.length > 0 && least > 0 && most - least < least;
}

/** A bar from the lower to the upper bound with its caps, and a diamond at the median. */
function range(api: Drawing, half: number, ink: string, ground: string): Option {
  const [x = 0, y = 0] = api.coord([api.value(0), api.value(1)]);
  const [, low = 0] = api.coord([api.value(0), api.value(2)]);
  const [, high = 0] = api.coord([api.value(0), api.value(3)]);
  const style = { stroke: ink, lineWidth: 1.4 };
  const line = (x1: number, y1: number, x2: number, y2: number): Option => ({ type: "line", shape: { x1, y1, x2, y2 }, style });
  const points = [
    [x, y - half - 1],
    [x + half, y],
    [x, y + half + 1],
    [x - half, y],
  ];
  return {
    type: "group",
    children: [
      line(x, low, x, high),
      line(x - half, low, x + half, low),
      line(x - half, high, x + half, high),
      { type: "polygon", shape: { points }, style: { fill: ground, stroke: ink, lineWidth: 1.6 } },
    ],
  };
}
