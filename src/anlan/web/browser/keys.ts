// A chart by the keyboard, and the periods of it that are in sight.
import type { ECharts } from "echarts/core";
import { answer, type Panel, type Row } from "./panel";

/** First and last period in sight. */
export function seen(drawn: ECharts): [number, number] {
  const [zoom] = (drawn.getOption() as { dataZoom: { startValue: number; endValue: number }[] }).dataZoom;
  return [zoom?.startValue ?? 0, zoom?.endValue ?? 0];
}

/** Arrow keys on a chart go from period to period; what it says there is said aloud as well. */
export function byKeys(holder: HTMLElement, drawn: ECharts, panel: Panel, row: Row): void {
  const spoken = holder.parentElement?.querySelector<HTMLElement>("[data-said]");
  const last = panel.axis.length - 1;
  let at = last;
  let begun = false;
  holder.tabIndex = 0;
  for (const hint of document.querySelectorAll<HTMLElement>("[data-keys]")) hint.hidden = false;
  const steps: Record<string, (from: number, to: number) => number> = {
    ArrowLeft: () => (begun ? at - 1 : last),
    ArrowRight: () => (begun ? at + 1 : last),
    PageUp: () => at - 10,
    PageDown: () => at + 10,
    Home: (from) => from,
    End: (_, to) => to,
  };
  holder.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (event.key === "Escape") drawn.dispatchAction({ type: "hideTip" });
    if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const [from, to] = seen(drawn);
    at = Math.min(to, Math.max(from, step(from, to)));
    begun = true;
    const [x = 0] = drawn.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, [at, 0]) as number[];
    drawn.dispatchAction({ type: "showTip", x, y: drawn.getHeight() / 2 });
    if (spoken !== null && spoken !== undefined) spoken.textContent = answer(panel, row, at).replaceAll("\n", ". ");
  });
  holder.addEventListener("blur", () => drawn.dispatchAction({ type: "hideTip" }));
}
