// On every page: fresh content when the journal grows, and running clocks. Pages work without it.
import htmx from "htmx.org";

// Nothing of this may need eval or an inline style: the content security policy forbids both.
htmx.config.allowEval = false;
htmx.config.allowScriptTags = false;
htmx.config.includeIndicatorStyles = false;
htmx.config.selfRequestsOnly = true;
htmx.config.historyCacheSize = 0;

const SECOND = 1000;
const AGAIN = 4 * SECOND; // after which a form may be sent again
const LONG = 60 * 86_400; // seconds from which hours no longer matter
const STEPS: [string, number][] = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
];

/** The two largest units of a number of seconds, in the page's words. */
function span(seconds: number): string {
  let rest = Math.floor(Math.abs(seconds));
  const most = rest >= LONG ? 1 : 2;
  const parts: string[] = [];
  for (const [unit, size] of STEPS) {
    const n = Math.floor(rest / size);
    rest -= n * size;
    const word = document.body.dataset[`span${unit}`] ?? unit;
    if (n > 0 && parts.length < most) parts.push(word.replace("{n}", String(n)));
  }
  return parts.join(" ") || (document.body.dataset["spans"] ?? "{n} s").replace("{n}", "0");
}

/** Clocks count on the desk's time, not on this machine's. */
function startClocks(): void {
  const now = document.body.dataset["now"];
  if (now === undefined || document.body.dataset["ticking"] !== "yes") return;
  const lead = Date.parse(now) - Date.now();
  const left = document.body.dataset["left"] ?? "{span}";
  const late = document.body.dataset["late"] ?? "{span}";
  window.setInterval(() => {
    for (const clock of document.querySelectorAll<HTMLElement>("[data-due]")) {
      const seconds = (Date.parse(clock.dataset["due"] ?? "") - (Date.now() + lead)) / SECOND;
      const said = (seconds < 0 ? late : left).replace("{span}", span(seconds));
      if (clock.textContent !== said) clock.textContent = said;
      clock.classList.toggle("late", seconds < 0);
    }
  }, SECOND);
}

/** True while somebody writes or reads something that a refresh would take away. */
function busy(part: Element): boolean {
  const focus = document.activeElement;
  const typing = focus !== null && part.contains(focus) && focus.matches("input, textarea, select");
  return typing || part.querySelector("details[open]") !== null;
}

/** Fetch the part again when the journal grew; when somebody is busy in it, offer it instead. */
function followJournal(): void {
  const part = document.querySelector("#live");
  const address = document.body.dataset["changes"];
  const offer = document.querySelector<HTMLElement>("#fresh");
  if (part === null || address === undefined || offer === null) return;
  let waiting: number | undefined;
  const refresh = (): void => {
    offer.hidden = true;
    void htmx.ajax("get", window.location.pathname + window.location.search, {
      target: "#live",
      select: "#live",
      swap: "outerHTML",
    });
  };
  offer.querySelector("button")?.addEventListener("click", refresh);
  const stream = new EventSource(address);
  stream.addEventListener("entry", () => {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(() => {
      const current = document.querySelector("#live");
      if (current !== null && busy(current)) offer.hidden = false;
      else refresh();
    }, SECOND);
  });
  window.addEventListener("pagehide", () => stream.close());
}

/** Print buttons and selects that submit their form; without scripts the form has its own button. */
function wire(): void {
  for (const button of document.querySelectorAll<HTMLElement>("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
}

/** A form that is on its way is not sent again by a second press. */
function sendOnce(): void {
  const sent = new WeakSet<EventTarget>();
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.method !== "post" || event.defaultPrevented) return;
    if (sent.has(form)) event.preventDefault();
    sent.add(form);
    // back to the page, or nothing came of it: it may be pressed again
    window.setTimeout(() => sent.delete(form), AGAIN);
  });
}

startClocks();
sendOnce();
followJournal();
wire();
