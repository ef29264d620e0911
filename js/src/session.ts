// The session's model: one per session, referenced by every widget; its own view is a card.
// Synced: see state.ts. Never synced: requests, which `initialize` exports to other widgets,
// with the code of every view.

import type { AnyModel, InitializeProps, RenderProps } from "@anywidget/types";
import { CARD_STYLE, rows, statusText } from "./card";
import { aria, button, h } from "./lib/dom";
import { whenChanged } from "./lib/model";
import { Rpc } from "./lib/rpc";
import { style } from "./lib/theme";
import type { State } from "./state";
import { mount } from "./views";

const KEYS = [
  "model",
  "tokens",
  "index",
  "n_prompts",
  "selection",
  "edits",
  "status",
  "message",
  "progress",
  "revision",
] as const satisfies readonly (keyof State)[];

/** What `host.getWidget(ref)` gives other widgets. */
export interface SessionExports {
  request: Rpc["request"];
  mount: typeof mount;
}

/** What this module itself gives a view that has to load it (lib/reach.ts). */
export interface Code {
  mount: typeof mount;
  asking: typeof asking;
}

/** A way to ask Python over any model's comm, until the signal aborts. */
export function asking(model: ConstructorParameters<typeof Rpc>[0], signal: AbortSignal) {
  const rpc = new Rpc(model, signal);
  return ((...args) => rpc.request(...args)) as Rpc["request"];
}

export { mount };

export default () => {
  let rpc: Rpc | undefined; // one per model; the factory is called once for each

  function initialize({ model, signal }: InitializeProps<State>): SessionExports {
    const made = new Rpc(model, signal);
    rpc = made;
    return { request: (...args) => made.request(...args), mount };
  }

  function render({ model, el, signal }: RenderProps<State>): void {
    const body = h("div", "hw-body");
    const words = h("span", "hw-status");
    const line = h("div", "hw-row", words);
    aria(words, { role: "status" });
    const cancel = button("Cancel", () => rpc?.request("cancel").catch(() => {}));
    cancel.className = "hw-cancel";
    const root = h("section", "hw-root hw-card", style(CARD_STYLE), body, line);
    aria(root, { label: "headwidgets session" });
    const draw = () => {
      const state = snapshot(model);
      body.replaceChildren(...rows(state));
      words.textContent = statusText(state);
      words.dataset.hwState = state.status;
      line.replaceChildren(words, ...(state.status === "busy" && rpc ? [cancel] : []));
      root.dataset.hwRevision = String(state.revision);
      root.dataset.hwState = state.status;
    };
    whenChanged<State>(model, KEYS, draw, signal);
    el.replaceChildren(root);
    signal.addEventListener("abort", () => root.remove(), { once: true });
  }

  return { initialize, render };
};

function snapshot(model: AnyModel<State>): State {
  return Object.fromEntries(KEYS.map((key) => [key, model.get(key)])) as unknown as State;
}
