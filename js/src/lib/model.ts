// Listening to traits: one redraw per batch, and nothing left once the view is gone.

import type { AnyModel } from "@anywidget/types";

const FRAME_MS = 16;

/**
 * Draw now and whenever one of `keys` changes, until the signal aborts: once a message, at
 * once up to twice a frame (what a click shows, and its answer), else with the next frame.
 */
export function whenChanged<T extends object>(
  model: Pick<AnyModel<T>, "on" | "off">,
  keys: readonly (keyof T & string)[],
  draw: () => void,
  signal: AbortSignal,
): void {
  if (signal.aborted) return;
  let [waiting, frame, before, drawn] = [false, 0, 0, 0]; // when the last two were drawn
  const go = () => {
    if (!waiting) return;
    waiting = false;
    cancelAnimationFrame(frame);
    [before, drawn] = [drawn, performance.now()];
    draw();
  };
  const ask = () => {
    if (waiting) return;
    waiting = true;
    frame = requestAnimationFrame(go);
    // After the other changes of the same message, which come one by one.
    if (performance.now() - before > FRAME_MS) queueMicrotask(go);
  };
  for (const key of keys) model.on(`change:${key}`, ask);
  signal.addEventListener(
    "abort",
    () => {
      waiting = false;
      cancelAnimationFrame(frame);
      for (const key of keys) model.off(`change:${key}`, ask);
    },
    { once: true },
  );
  draw();
}
