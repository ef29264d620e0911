// Whether Python may answer at all. It never will in a page without a kernel: an exported
// one, a saved one, a notebook that was opened and not run. A busy kernel is alive.

import type { Look } from "./session";

export const STATIC = "static copy: run the notebook";

interface Living {
  readonly live?: boolean;
}

/** Whether the session that a view was given has a kernel; a host that does not say has one. */
export function isLive(session: object): boolean {
  return (session as Living).live !== false;
}

/** The same session, with what its host knows of the comm; ipywidgets' own model says it. */
export function living(session: Look, raw: { comm_live?: boolean } | undefined): Look {
  return {
    get: (name) => session.get(name),
    set: (name, value) => session.set(name, value),
    save_changes: () => session.save_changes(),
    on: session.on.bind(session),
    off: session.off.bind(session),
    get live() {
      return raw?.comm_live !== false;
    },
  } as Look & Living;
}

/** Call `tell` when a kernel goes or comes back. */
export function whenLive(session: Look, tell: () => void, signal: AbortSignal): void {
  const name = "comm_live_update" as never;
  session.on(name, tell);
  signal.addEventListener("abort", () => session.off(name, tell), { once: true });
}
