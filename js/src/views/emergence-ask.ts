// What a view has asked of Python and is on its way, and what went wrong last.

import { isLive } from "../lib/live";
import { Cancelled } from "../lib/rpc";
import type { Ask, Look } from "../lib/session";

export function asker(looked: Look, ask: Ask, draw: () => void, signal: AbortSignal) {
  let [words, why, waiting] = ["", "", 0];
  return {
    /** Ask, and say so; nothing is asked where nobody is. */
    tell(name: string, body: Record<string, unknown>, doing = ""): void {
      if (!isLive(looked)) return;
      [words, why] = [doing, ""];
      waiting += 1;
      draw();
      ask(`emergence ${name}`, body)
        .catch((error: Error) => {
          if (!(error instanceof Cancelled)) why = error.message;
        })
        .finally(() => {
          waiting -= 1;
          if (!waiting) words = "";
          if (!signal.aborted) draw();
        });
    },
    get words() {
      return words;
    },
    get why() {
      return why;
    },
    get busy() {
      return waiting > 0;
    },
  };
}
