// The panel of all series by time: a cell for each series and period.
import { ticked } from "./axis";
import type { Drawing } from "./drawing";
import { ALARM, UNKNOWN, answer, colour, faint, language, type Option, type Panel } from "./panel";

/** The panel by time: a cell is darker the nearer its value is to the bound; an alarm has a mark, an
 *  unknown a stroke, so that colour never stands alone. */
export function heat(holder: HTMLElement, panel: Panel): Option {
  const text = colour("text");
  const rows = panel.series.slice(0, Number(holder.dataset["rows"] ?? panel.series.length));
  const names = rows.map((row) => row.name[language()]).reverse();
  const cells: number[][] = [];
  rows.forEach((row, s) =>
    panel.tested.forEach((_, j) => {
      const near = row.near[j];
      const depth = near === null || near === undefined ? 0 : Math.min(1, Math.max(0, near));
      cells.push([j, names.length - 1 - s, row.alarm[j] ?? UNKNOWN, depth, s]);
    }),
  );
  const room = holder.clientWidth * 0.75;
  const labels = panel.tested.map((at) => panel.axis[at] ?? "");
  const found = ticked(labels, 0, labels.length - 1, room);
  const dates = { axisLabel: { ...found.axisLabel, color: text }, axisTick: found.axisTick };
  const alarm = colour("alarm");
  const muted = colour("muted");
  const ground = colour("panel");
  return {
    animation: false,
    aria: { enabled: true, label: { description: holder.getAttribute("aria-label") ?? "" } },
    textStyle: { color: text, fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { left: 4, right: 12, top: 8, bottom: 30, containLabel: true },
    tooltip: {
      trigger: "item",
      renderMode: "richText",
      confine: true,
      formatter: (part: { value: number[] }) => {
        const [j = 0, , , , s = 0] = part.value;
        const row = rows[s];
        return row === undefined ? "" : answer(panel, row, panel.tested[j] ?? 0);
      },
    },
    xAxis: {
      type: "category",
      data: labels,
      ...dates,
      axisLine: { lineStyle: { color: colour("line") } },
    },
    yAxis: {
      type: "category",
      data: names,
      axisLabel: { color: text, width: Math.min(160, holder.clientWidth / 3.5), overflow: "truncate" },
      axisTick: { show: false },
      axisLine: { lineStyle: { color: colour("line") } },
    },
    series: [
      {
        type: "custom",
        data: cells,
        encode: { x: 0, y: 1 },
        renderItem: (_: unknown, api: Drawing) => {
          const [x = 0, y = 0] = api.coord([api.value(0), api.value(1)]);
          const [w = 0, h = 0] = api.size([1, 1]);
          const width = Math.max(1, w - (w > 5 ? 1 : 0));
          const height = Math.max(1, h - (h > 5 ? 1 : 0));
          const state = api.value(2);
          const shape = { x: x - width / 2, y: y - height / 2, width, height };
          const fill =
            state === ALARM ? alarm : state === UNKNOWN ? faint("muted", 0.18) : faint("accent", 0.08 + 0.5 * api.value(3));
          const parts: object[] = [{ type: "rect", shape, style: { fill } }];
          if (state === ALARM) {
            parts.push({ type: "circle", shape: { cx: x, cy: y, r: Math.min(w, h) / 5 }, style: { fill: ground } });
          }
          if (state === UNKNOWN) {
            parts.push({
              type: "line",
              shape: { x1: shape.x, y1: shape.y + height, x2: shape.x + width, y2: shape.y },
              style: { stroke: muted, lineWidth: 1 },
            });
          }
          return { type: "group", children: parts };
        },
      },
    ],
  };
}
