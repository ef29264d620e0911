// Every view by the name that Python gives it (the trait `view`). The attention view travels
// in the session's bundle, the others in a second one, the session's trait `tools`, which is
// there once a widget needs it: a second view costs its own few traits and no code.

import type { AnyModel } from "@anywidget/types";
import * as core from "./core";
import { loadText } from "./lib/load";
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

/** What the second bundle exports: its views, given what it shares with this one. */
export interface Tools {
  tools: (from: typeof core) => Record<string, Mount>;
}

const HERE: Record<string, Mount> = { attention: mountAttention };
const loaded = new Map<string, Promise<Record<string, Mount>>>();

/** Draw the view of that name. */
export function mount(
  name: string,
  shown: Shown,
  root: HTMLElement,
  signal: AbortSignal,
  load: (text: string) => Promise<Tools> = loadText<Tools>,
): void {
  const mine = HERE[name];
  const text = shown.session.get("tools");
  if (mine) mine(shown, root, signal);
  else if (!text) lacking(name, root);
  else {
    if (!loaded.has(text)) {
      loaded.set(
        text,
        load(text).then(({ tools }) => tools(core)),
      );
    }
    loaded
      .get(text)
      ?.then((views) => {
        if (signal.aborted) return;
        const view = views[name];
        view ? view(shown, root, signal) : lacking(name, root);
      })
      .catch((error: unknown) => {
        loaded.delete(text);
        fail(`this view cannot be drawn here: ${error}`, root);
      });
  }
}

function lacking(name: string, root: HTMLElement): void {
  fail(`this page's headwidgets has no view named “${name}”: run the cell again`, root);
}

function fail(why: string, root: HTMLElement): void {
  root.textContent = why;
  root.dataset.hwState = "error";
}
