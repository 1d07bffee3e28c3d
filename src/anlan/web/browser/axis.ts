// The ticks of an axis of dates: years, months or days that begin, as many as there is room for. Labels are
// those of the server, which begin with the date; of an axis without dates the chart library chooses.
import { language, type Option } from "./panel";

type Tick = { year: number; month: number; day: number; hour: number };

const DATE = /^(\d{4})-(\d{2})-(\d{2})(?: (\d{2}):\d{2})?/;
const ROOM = 62; // pixels that a label needs

/** From coarse to fine: what begins a tick, and how it is written. */
const HUNDRED = 100;
const STEPS: { key: (at: Tick) => number; every: number; of: "year" | "month" | "day" | "hour" }[] = [
  { key: (at) => at.year, every: 20, of: "year" },
  { key: (at) => at.year, every: 10, of: "year" },
  { key: (at) => at.year, every: 5, of: "year" },
  { key: (at) => at.year, every: 2, of: "year" },
  { key: (at) => at.year, every: 1, of: "year" },
  { key: (at) => at.year * 12 + at.month, every: 6, of: "month" },
  { key: (at) => at.year * 12 + at.month, every: 3, of: "month" },
  { key: (at) => at.year * 12 + at.month, every: 1, of: "month" },
  { key: (at) => (at.year * 12 + at.month) * HUNDRED + Math.min(1, Math.floor(at.day / 15)), every: 1, of: "day" },
  { key: (at) => (at.year * 12 + at.month) * HUNDRED + Math.min(3, Math.floor(at.day / 7)), every: 1, of: "day" },
  { key: (at) => (at.year * 12 + at.month) * HUNDRED + at.day, every: 2, of: "day" },
  { key: (at) => (at.year * 12 + at.month) * HUNDRED + at.day, every: 1, of: "day" },
  { key: (at) => at.hour + 24 * at.day, every: 6, of: "hour" },
];

function parsed(label: string): Tick | undefined {
  const found = DATE.exec(label);
  if (found === null) return undefined;
  const [, year, month, day, hour] = found;
  // months and days from 0, so that a month or week begins where a multiple does
  return { year: Number(year), month: Number(month) - 1, day: Number(day) - 1, hour: Number(hour ?? 0) };
}

function written(at: Tick, of: string, first: boolean, before: Tick | undefined): string {
  const tongue = language();
  const date = new Date(Date.UTC(at.year, at.month, at.day + 1, at.hour));
  const say = (how: Intl.DateTimeFormatOptions): string =>
    new Intl.DateTimeFormat(tongue === "zh" ? "zh-CN" : "en-GB", { ...how, timeZone: "UTC" }).format(date);
  const year = tongue === "zh" ? `${at.year}年` : String(at.year);
  if (of === "year") return year;
  const turned = first || before?.year !== at.year;
  const small =
    of === "month"
      ? say({ month: "short" })
      : of === "day"
        ? say({ day: "numeric", month: "short" })
        : say({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  return turned ? `${small}\n${year}` : small;
}

/** Label -> what stands at its tick, of the labels from `from` to `to`; undefined for an axis without dates. */
export function ticks(labels: string[], from: number, to: number, width: number): Map<string, string> | undefined {
  const shown = labels.slice(Math.max(0, from), to + 1);
  const dates = shown.map(parsed);
  if (dates.length === 0 || dates.some((date) => date === undefined)) return undefined;
  const most = Math.max(2, Math.floor(width / ROOM));
  let chosen: { label: string; at: Tick; place: number }[] = [];
  let of = "year";
  const hours = dates.some((at) => at?.hour !== 0);
  for (const step of STEPS) {
    if (step.of === "hour" && !hours) break; // days have no hours to tell
    const found: typeof chosen = [];
    let before: number | undefined;
    dates.forEach((at, n) => {
      if (at === undefined) return;
      const key = Math.floor(step.key(at) / step.every);
      // the first period shown begins nothing, unless it is the first of its month or year
      if (before !== undefined ? key !== before : begins(at, step.of)) found.push({ label: shown[n] ?? "", at, place: n });
      before = key;
    });
    if (found.length > most) break;
    if (found.length >= chosen.length) [chosen, of] = [found, step.of];
  }
  if (chosen.length === 0) chosen = dates.slice(0, 1).map((at) => ({ label: shown[0] ?? "", at: at as Tick, place: 0 }));
  if (of === "year" && chosen.length < 2) of = "day"; // one year alone tells nothing of the days around it
  const apart = (ROOM * shown.length) / Math.max(1, width);
  const kept: typeof chosen = [];
  for (const one of chosen) if (kept.length === 0 || one.place - (kept.at(-1)?.place ?? 0) >= apart * 0.8) kept.push(one);
  return new Map(kept.map((one, n) => [one.label, written(one.at, of, n === 0, kept[n - 1]?.at)]));
}

function begins(at: Tick, of: string): boolean {
  if (of === "year") return at.month === 0 && at.day === 0;
  return of === "month" ? at.day === 0 : at.day === 0 && at.hour === 0;
}

/** The part of an axis that places the ticks. */
export function ticked(labels: string[], from: number, to: number, width: number): { axisLabel: Option; axisTick: Option } {
  const found = ticks(labels, from, to, width);
  if (found === undefined) return { axisLabel: { hideOverlap: true, interval: "auto", formatter: null }, axisTick: { show: false } };
  return {
    axisLabel: { interval: (_: number, label: string) => found.has(label), formatter: (label: string) => found.get(label) ?? "", hideOverlap: true },
    axisTick: { show: true, interval: (_: number, label: string) => found.has(label), alignWithLabel: true },
  };
}
