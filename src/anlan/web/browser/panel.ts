// A panel of series as the server tells it, and how its cells are said and coloured.
export type Words = { en: string; zh: string };
export type Option = Record<string, unknown>;
export type Maybe = number | null;
/** Of the count in the end; nothing where it cannot be estimated. */
export type Coming = { at: number; lower: Maybe; median: Maybe; upper: Maybe };
export type Row = {
  place?: string; // on a map
  name: Words;
  values: Maybe[]; // one per time of the axis
  expected: Maybe[]; // these: one per tested time
  threshold: Maybe[];
  near: Maybe[]; // 0 at the expected, 1 at the bound
  alarm: number[]; // 1 yes, 0 no, -1 unknown
  reason: number[];
  later?: Maybe[]; // like values, as known later
  marks?: { at: number; label: string }[]; // where what is counted changes
  at?: [number, number]; // longitude, latitude of a place that a map draws as a point
  coming?: Coming[]; // periods of which reports still come
  whole?: boolean; // the place that the others are parts of
};
export type Panel = {
  unit: Words;
  axis: string[];
  tested: number[];
  series: Row[];
  reasons: Record<string, Words>;
  words: Record<string, Words>;
};

export const ALARM = 1;
export const UNKNOWN = -1;

export function language(): "en" | "zh" {
  return document.documentElement.lang.startsWith("zh") ? "zh" : "en";
}

/** A colour of the style sheet, as the theme of the moment gives it. */
export function colour(name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

export function faint(name: string, opacity: number): string {
  const [r, g, b] = (colour(name).match(/[\d.]+/g) ?? ["0", "0", "0"]).map(Number);
  return `rgba(${r}, ${g}, ${b}, ${opacity})`;
}

export function said(panel: Panel, word: string): string {
  return panel.words[word]?.[language()] ?? word;
}

export function unit(panel: Panel): string {
  const said = panel.unit[language()];
  return said === "–" ? "" : said;
}

/** A number to four digits, as people of the page's language write it. */
export function digits(value: number): string {
  const tongue = language() === "zh" ? "zh-CN" : "en-GB";
  const written = (how: Intl.NumberFormatOptions): string => new Intl.NumberFormat(tongue, how).format(value);
  const size = Math.abs(value);
  const shown =
    Number.isInteger(value) || size >= 1000
      ? written({ maximumFractionDigits: 0 })
      : size >= 1e-4
        ? written({ maximumSignificantDigits: 4 })
        : written({ notation: "scientific", maximumSignificantDigits: 3 });
  return shown.replace("-", "−");
}

export function shown(value: Maybe | undefined): string {
  return value === null || value === undefined ? "–" : digits(value);
}

/** The answer to a tested period: alarm, no alarm or unknown. */
export function verdict(alarm: number | undefined): "alarm" | "no_alarm" | "unknown" {
  return alarm === ALARM ? "alarm" : alarm === UNKNOWN || alarm === undefined ? "unknown" : "no_alarm";
}

/** The detector expects something of the series; a fixed threshold does not. */
export function expects(row: Row): boolean {
  return row.expected.some((value) => value !== null);
}

/** A value with its unit: one case, two cases. */
function measured(panel: Panel, value: Maybe | undefined): string {
  const words = unit(panel);
  const one = value === 1 && language() === "en" && /^[a-z]+s$/.test(words) && words.length > 2;
  return `${shown(value)} ${one ? words.slice(0, -1) : words}`.trim();
}

/** What is to be expected of a period of which reports still come; nothing of one that is settled. */
export function comes(panel: Panel, row: Row, index: number): string | undefined {
  const one = row.coming?.find((each) => each.at === index);
  if (one === undefined) return undefined;
  if (one.median === null) return row.values[index] === null ? undefined : said(panel, "so_far");
  return `${said(panel, "in_the_end")}: ${shown(one.median)} (${shown(one.lower)}–${shown(one.upper)})`;
}

/** What a tested cell says, line by line. */
export function answer(panel: Panel, row: Row, index: number): string {
  const j = panel.tested.indexOf(index);
  const lines = [`${row.name[language()]} · ${panel.axis[index]}`];
  lines.push(`${said(panel, "value")}: ${measured(panel, row.values[index])}`);
  const later = row.later?.[index];
  if (row.later !== undefined && later !== row.values[index]) lines.push(`${said(panel, "later")}: ${shown(later)}`);
  const coming = comes(panel, row, index);
  if (coming !== undefined) lines.push(coming);
  if (j < 0) return lines.join("\n");
  if (expects(row)) lines.push(`${said(panel, "expected")}: ${shown(row.expected[j])}`);
  lines.push(`${said(panel, "threshold")}: ${shown(row.threshold[j])}`);
  lines.push(said(panel, verdict(row.alarm[j])));
  const reason = row.reason[j] ?? 0;
  if (reason !== 0) lines.push(panel.reasons[String(reason)]?.[language()] ?? "");
  return lines.join("\n");
}

/** The panel at an address, or in the element `#id` of this page; asked for once by a page's charts, those of
 *  other bundles included. */
const shared = globalThis as typeof globalThis & { anlanPanels?: Map<string, Promise<Panel>> };
const asked = (shared.anlanPanels ??= new Map<string, Promise<Panel>>());
document.body.addEventListener("htmx:beforeSwap", (event) => {
  // a fresh page has charts of its own instant; the clusters that come into it have none
  if (event.target instanceof Element && event.target.id === "live") asked.clear();
});

export function read(from: string): Promise<Panel> {
  let found = asked.get(from);
  if (found === undefined) {
    found = from.startsWith("#")
      ? Promise.resolve(JSON.parse(document.querySelector(from)?.textContent ?? "null") as Panel)
      : fetch(from, { credentials: "same-origin" }).then((answered) => {
          if (!answered.ok) throw new Error(`${answered.status}`);
          return answered.json() as Promise<Panel>;
        });
    asked.set(from, found);
    found.catch(() => asked.delete(from)); // the next chart asks again
  }
  return found;
}
