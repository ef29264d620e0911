// One thing that Python measures for the taxonomy at a time: its words, how far it is, its end.

import { isLive, STATIC } from "../lib/live";
import { Cancelled } from "../lib/rpc";
import type { Ask, Look } from "../lib/session";

export interface Running {
  words: string;
  /** From 0 to 1. */
  part: number;
  /** Whether the steps are whole kinds: then what happens within one is not told. */
  whole: boolean;
  stop: AbortController;
}

/** Ask for one thing after the other; a new one stops the one that runs. */
export function runner(session: Look, ask: Ask, draw: () => void, signal: AbortSignal) {
  let now: Running | null = null;
  let why = "";

  function run(name: string, body: Record<string, unknown>, words: string): void {
    now?.stop.abort();
    if (!isLive(session)) {
      why = `${STATIC} to measure`;
      draw();
      return;
    }
    const mine: Running = { words, part: 0, whole: false, stop: new AbortController() };
    [now, why] = [mine, ""];
    draw();
    const tell = (change: Partial<Running>) => {
      Object.assign(mine, change);
      if (now === mine) draw();
    };
    ask(name, body, {
      ...{ key: "kinds", signal: mine.stop.signal },
      onProgress: ({ done, total, label }) => {
        const whole = total > 1 && label.startsWith("scoring");
        if (!whole && mine.whole) return;
        tell({ whole, part: total ? done / total : 0, words: whole ? label : mine.words });
      },
      onSilence: () => tell({ words: "the kernel is busy: this will be done when it is free" }),
    })
      .catch((error: Error) => {
        if (now === mine && !(error instanceof Cancelled)) why = error.message;
      })
      .finally(() => {
        if (now === mine) now = null;
        if (!signal.aborted) draw();
      });
  }
  signal.addEventListener("abort", () => now?.stop.abort(), { once: true });
  return {
    run,
    cancel: () => now?.stop.abort(),
    get now() {
      return now;
    },
    get why() {
      return why;
    },
  };
}
