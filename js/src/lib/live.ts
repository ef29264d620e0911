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

/** What ipywidgets' own model has, in hosts that let it be reached. */
export interface Raw {
  comm_live?: boolean;
  widget_manager?: { kernel?: { disposed?: Signal } | null };
}

interface Signal {
  connect(slot: () => void): unknown;
  disconnect(slot: () => void): unknown;
}

/** The same session, with what its host knows of the comm; ipywidgets' own model says it. */
export function living(session: Look, raw: Raw | undefined, signal: AbortSignal): Look {
  if (raw) untilClosed(raw, signal);
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

/** Let ipywidgets' model know when its kernel is shut down or changed: JupyterLab's widget
 * manager tells it of restarts alone. */
function untilClosed(raw: Raw, signal: AbortSignal): void {
  const disposed = raw.widget_manager?.kernel?.disposed;
  if (!disposed) return;
  const closed = () => {
    raw.comm_live = false; // as the manager does; it triggers "comm_live_update"
  };
  disposed.connect(closed);
  signal.addEventListener("abort", () => disposed.disconnect(closed), { once: true });
}

/** Call `tell` when a kernel goes or comes back. */
export function whenLive(session: Look, tell: () => void, signal: AbortSignal): void {
  const name = "comm_live_update" as never;
  session.on(name, tell);
  signal.addEventListener("abort", () => session.off(name, tell), { once: true });
}
