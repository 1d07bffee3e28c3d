// A slider beside a choice of instants.

const SLID = "slid";
const REST = 350; // milliseconds

/** The slider beside a choice of instants: the choice works without scripts, the slider is quicker. */
function slider(range: HTMLInputElement): void {
  const choice = document.querySelector<HTMLSelectElement>(range.dataset["slides"] ?? "");
  if (choice === null) return;
  const last = choice.options.length - 1;
  range.max = String(last);
  // The choice lists the newest first, the slider runs from old to new.
  range.value = String(last - choice.selectedIndex);
  range.hidden = false;
  const told = (): void => range.setAttribute("aria-valuetext", choice.selectedOptions[0]?.text ?? "");
  told();
  range.addEventListener("input", () => {
    choice.selectedIndex = last - Number(range.value);
    told();
  });
  // Arrow keys change it at every stroke: ask when they rest, and come back to the slider.
  let rest: number | undefined;
  range.addEventListener("change", () => {
    window.clearTimeout(rest);
    rest = window.setTimeout(() => {
      if (document.activeElement === range) window.sessionStorage.setItem(SLID, window.location.pathname);
      choice.form?.requestSubmit();
    }, REST);
  });
  if (window.sessionStorage.getItem(SLID) === window.location.pathname) range.focus({ preventScroll: true });
  window.sessionStorage.removeItem(SLID);
}

/** Every slider of the page that is not there yet. */
export function sliders(): void {
  for (const range of document.querySelectorAll<HTMLInputElement>("[data-slides][hidden]")) slider(range);
}
