// The stub of every widget: finds the session's model and, in its bundle, the view to draw.
// Synced: session and view; for hosts without a way to the session see lib/reach.ts.

import type { RenderProps } from "@anywidget/types";
import { h } from "./lib/dom";
import { reach } from "./lib/reach";
import type { Own } from "./lib/session";

export default {
  async render({ model, el, signal, host }: RenderProps<Own>): Promise<void> {
    const root = h("section", "");
    root.dataset.hwState = "busy";
    el.replaceChildren(root);
    signal.addEventListener("abort", () => root.remove(), { once: true });
    const { code, session, ask } = await reach(model, host, signal);
    if (!signal.aborted) code.mount(model.get("view"), { session, own: model, ask }, root, signal);
  },
};
