// Every view by the name that Python gives it (the trait `view`). The attention view travels
// in the session's bundle, the others in bundles of their own, each a trait of the session that
// is there once a widget needs it: a second view costs its own few traits and no code.

import type { AnyModel } from "@anywidget/types";
import * as core from "./core";
import { isLive, STATIC, whenLive } from "./lib/live";
import { loadText } from "./lib/load";
import { whenChanged } from "./lib/model";
import type { Ask, Bundle, Look, Own } from "./lib/session";
import { mountAttention } from "./views/attention";

/** What a view is given: the session's model, its own traits, and a way to ask Python. */
export interface Shown {
  session: Look;
  own: AnyModel<Own>;
  ask: Ask;
}

/** Draw in `root` until the signal aborts. */
export type Mount = (shown: Shown, root: HTMLElement, signal: AbortSignal) => void;

/** What a further bundle exports: its views, given what it shares with this one. */
export interface Further {
  views: (from: typeof core) => Record<string, Mount>;
}

const HERE: Record<string, Mount> = { attention: mountAttention };
/** The bundle of a view, where it is another than the second. */
const ELSEWHERE: Record<string, Bundle> = {
  taxonomy: "taxonomy",
  succession: "succession",
  emergence: "emergence",
};
const loaded = new Map<string, Promise<Record<string, Mount>>>();

/** Draw the view of that name. */
export function mount(
  name: string,
  shown: Shown,
  root: HTMLElement,
  signal: AbortSignal,
  load: (text: string) => Promise<Further> = loadText<Further>,
): void {
  const mine = HERE[name];
  if (mine) {
    mine(shown, root, signal);
    return;
  }
  whenThere(ELSEWHERE[name] ?? "tools", shown.session, root, signal, (text) => {
    viewsOf(text, load)
      .then((views) => {
        if (signal.aborted) return;
        const view = views[name];
        view ? view(shown, root, signal) : lacking(name, root);
      })
      .catch((error: unknown) => {
        loaded.delete(text);
        fail(`this view cannot be drawn here: ${error}`, root);
      });
  });
}

/** Give the text of a bundle once the session has it; until then, say what it waits for. */
function whenThere(
  bundle: Bundle,
  session: Look,
  root: HTMLElement,
  signal: AbortSignal,
  give: (text: string) => void,
): void {
  const here = new AbortController();
  const look = () => {
    const text = session.get(bundle);
    const live = isLive(session);
    root.textContent = text ? "" : live ? "waiting for the kernel" : `${STATIC} to see this`;
    root.dataset.hwState = text || live ? "busy" : "ready";
    if (!text) return;
    here.abort();
    give(text);
  };
  signal.addEventListener("abort", () => here.abort(), { once: true });
  whenLive(session, look, here.signal);
  whenChanged(session, [bundle], look, here.signal);
}

/** A bundle's views; it is run once, whoever asks. */
function viewsOf(text: string, load: (text: string) => Promise<Further>) {
  const views = loaded.get(text) ?? load(text).then((further) => further.views(core));
  loaded.set(text, views);
  return views;
}

function lacking(name: string, root: HTMLElement): void {
  fail(`this page's headwidgets has no view named “${name}”: run the cell again`, root);
}

function fail(why: string, root: HTMLElement): void {
  root.textContent = why;
  root.dataset.hwState = "error";
}
