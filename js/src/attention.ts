// AttentionView: finds the session's model and shows its attention.
// Synced: session, and for hosts without a way to it apart, mirrored and wish (lib/session.ts).

import type { RenderProps } from "@anywidget/types";
import { h } from "./lib/dom";
import { type Own, sessionOf } from "./lib/session";
import { mountAttention } from "./views/attention";

export default {
  async render({ model, el, signal, host }: RenderProps<Own>): Promise<void> {
    const root = h("section", "");
    root.dataset.hwState = "busy";
    el.replaceChildren(root);
    signal.addEventListener("abort", () => root.remove(), { once: true });
    const session = await sessionOf(model, host, signal);
    if (!signal.aborted) mountAttention(session, root, signal);
  },
};
