// Series with what a detector made of them: values, expectation, bound, alarms, what is missing; and the
// panel of all series by time. Used by the console and, written into the page itself, by the reports of
// `anlan detect`. All words come with the data.
import { CustomChart, LineChart, ScatterChart } from "echarts/charts";
import {
  AriaComponent,
  DataZoomComponent,
  GridComponent,
  LegendComponent,
  MarkAreaComponent,
  MarkLineComponent,
  TooltipComponent,
} from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { curve, dated } from "./curve";
import { heat } from "./heat";
import { islands, type Drawn } from "./islands";
import { byKeys, seen } from "./keys";
import { colour, read, type Option } from "./panel";
import { sliders } from "./slider";

use([
  AriaComponent,
  CanvasRenderer,
  CustomChart,
  DataZoomComponent,
  GridComponent,
  LegendComponent,
  LineChart,
  MarkAreaComponent,
  MarkLineComponent,
  ScatterChart,
  TooltipComponent,
]);

/** What draws every chart again: colours and words are those of the moment. */
const again = new Set<() => void>();

async function chart(holder: HTMLElement): Promise<Drawn> {
  const panel = await read(holder.dataset["bands"] ?? holder.dataset["heat"] ?? "");
  const row = panel.series[Number(holder.dataset["row"] ?? 0)];
  if (row === undefined) throw new Error("no such series");
  if (holder.dataset["heat"] !== undefined) {
    const rows = Math.min(panel.series.length, Number(holder.dataset["rows"] ?? panel.series.length));
    holder.style.height = `${Math.min(40, Math.max(12, 600 / rows)) * rows + 60}px`;
  }
  const option = (): Option => (holder.dataset["heat"] === undefined ? curve(holder, panel, row) : heat(holder, panel));
  const drawn = init(holder);
  drawn.setOption(option());
  const zooms = holder.dataset["heat"] === undefined && holder.dataset["small"] !== "yes";
  const redraw = (): void => {
    const [startValue, endValue] = zooms ? seen(drawn) : [];
    drawn.setOption(option(), true);
    if (zooms) drawn.dispatchAction({ type: "dataZoom", startValue, endValue }); // what was in sight stays so
  };
  if (zooms) {
    drawn.on("datazoom", () => {
      const [from, to] = seen(drawn);
      drawn.setOption({ xAxis: dated(panel, holder, from, to, colour("text")) });
    });
    byKeys(holder, drawn, panel, row);
  }
  again.add(redraw);
  const watcher = new ResizeObserver(() => {
    if (!holder.isConnected || holder.clientWidth === 0 || holder.clientWidth === drawn.getWidth()) return;
    drawn.resize();
    redraw(); // ticks and labels for the new width
  });
  watcher.observe(holder);
  holder.dataset["ready"] = "yes";
  return {
    remove(): void {
      again.delete(redraw);
      watcher.disconnect();
      drawn.dispose();
    },
  };
}

/** Charts are drawn when they come near the window, or when the page is printed: a report may hold
 *  hundreds. */
function whenNear(holder: HTMLElement): Promise<Drawn> {
  let island: Drawn | undefined;
  let gone = false;
  const near = new IntersectionObserver((entries) => entries.some((one) => one.isIntersecting) && begin(), {
    rootMargin: "400px",
  });
  const begin = (): void => {
    near.disconnect();
    window.removeEventListener("beforeprint", begin);
    chart(holder)
      .then((made) => {
        if (gone) made.remove();
        else island = made;
      })
      .catch((error: unknown) => {
        holder.textContent = holder.dataset["failed"] ?? "";
        console.error(error);
      });
  };
  window.addEventListener("beforeprint", begin);
  near.observe(holder);
  return Promise.resolve({
    remove(): void {
      gone = true;
      near.disconnect();
      window.removeEventListener("beforeprint", begin);
      island?.remove();
    },
  });
}

const redrawAll = (): void => again.forEach((redraw) => redraw());
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
new MutationObserver(redrawAll).observe(document.documentElement, {
  attributes: true,
  attributeFilter: ["lang", "data-theme"],
});

// On paper the charts are those of the light theme, whatever the screen shows.
let theme: string | null = null;
window.addEventListener("beforeprint", () => {
  theme = document.documentElement.getAttribute("data-theme");
  document.documentElement.setAttribute("data-theme", "light");
  redrawAll();
});
window.addEventListener("afterprint", () => {
  if (theme === null) document.documentElement.removeAttribute("data-theme");
  else document.documentElement.setAttribute("data-theme", theme);
  redrawAll();
});

islands("[data-bands], [data-heat]", whenNear);
document.body.addEventListener("htmx:afterSettle", sliders);
sliders();
