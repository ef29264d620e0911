// Every view by the name that Python gives it (the trait `view`); all travel in the
// session's bundle, so that a second view costs its own few traits and no code.

import type { AnyModel } from "@anywidget/types";
import type { Ask, Look, Own } from "./lib/session";
import { mountAttention } from "./views/attention";

/** What a view is given: the session's model, its own traits, and a way to ask Python. */
export interface Shown {
  session: Look;
  own: AnyModel<Own>;
  ask: Ask;
}

/** Draw in `root` until the signal aborts. */
export type Mount = (shown: Shown, root: HTMLElement, signal: AbortSignal) => void;

const VIEWS: Record<string, Mount> = {
  attention: mountAttention,
};

/** Draw the view of that name. */
export function mount(name: string, shown: Shown, root: HTMLElement, signal: AbortSignal): void {
  const view = VIEWS[name];
  if (view) view(shown, root, signal);
  else root.textContent = `this page's headwidgets has no view named “${name}”: run the cell again`;
}
