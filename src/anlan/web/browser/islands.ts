// Islands: parts of a page that a script draws. They are drawn at load, and again whenever fresh content
// replaces them.
export type Drawn = { remove(): void };

/** Draw every element that `selector` finds, now and after each swap; what left the page is removed. Returns
 * what draws all of them anew. */
export function islands<T extends Drawn>(
  selector: string,
  draw: (holder: HTMLElement, before: T | undefined) => Promise<T>,
): () => void {
  const drawn = new Map<HTMLElement, T>();
  const make = (holder: HTMLElement, before: T | undefined): void => {
    holder.replaceChildren();
    draw(holder, before)
      .then((island) => {
        // Replaced while it was being drawn: nobody will see it.
        if (holder.isConnected) drawn.set(holder, island);
        else island.remove();
      })
      .catch((error: unknown) => {
        holder.textContent = holder.dataset["failed"] ?? "";
        console.error(error);
      });
  };
  const all = (): void => {
    const gone: T[] = [];
    for (const [holder, island] of drawn) {
      if (holder.isConnected) continue;
      drawn.delete(holder);
      gone.push(island);
    }
    for (const holder of document.querySelectorAll<HTMLElement>(selector)) {
      if (holder.dataset["drawing"] !== undefined) continue;
      holder.dataset["drawing"] = "yes";
      make(holder, gone.at(-1));
    }
    for (const island of gone) island.remove();
  };
  document.body.addEventListener("htmx:afterSettle", all);
  all();
  return () => {
    const before = [...drawn];
    drawn.clear();
    for (const [holder, island] of before) {
      island.remove();
      make(holder, island);
    }
  };
}
