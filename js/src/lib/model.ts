// Listening to traits: one redraw per batch, and nothing left once the view is gone.

import type { AnyModel } from "@anywidget/types";

/** Draw now and whenever one of `keys` changes, once per frame, until the signal aborts. */
export function whenChanged<T extends object>(
  model: Pick<AnyModel<T>, "on" | "off">,
  keys: readonly (keyof T & string)[],
  draw: () => void,
  signal: AbortSignal,
): void {
  if (signal.aborted) return;
  let frame = 0;
  const ask = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      draw();
    });
  };
  for (const key of keys) model.on(`change:${key}`, ask);
  signal.addEventListener(
    "abort",
    () => {
      cancelAnimationFrame(frame);
      for (const key of keys) model.off(`change:${key}`, ask);
    },
    { once: true },
  );
  draw();
}
