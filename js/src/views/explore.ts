// Everything of a session in one root: heads, attention, edits; linked through the session.

import { aria, h } from "../lib/dom";
import { css, style } from "../lib/theme";
import type { Mount } from "../views";

const PARTS = ["grid", "attention", "panel"] as const;

const STYLE = css`
.hw-root.hw-explore { border: 0; padding: 0; }
.hw-parts { display: grid; gap: 10px; grid-template-columns: minmax(0, 1fr); align-items: start; }
@container (min-width: 1080px) {
  .hw-parts { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); grid-template-rows: auto 1fr; }
  .hw-parts > .hw-attention { grid-area: 1 / 2 / 3 / 3; } }
@container (min-width: 1620px) {
  .hw-parts { grid-template-columns: minmax(0, 5fr) minmax(0, 6fr) minmax(0, 5fr); }
  .hw-parts > .hw-attention { grid-area: auto; } }
`;

/** The explorer, made of the views that there are. */
export const mountExplore =
  (views: Record<string, Mount>): Mount =>
  (shown, root, signal) => {
    root.classList.add("hw-root", "hw-explore");
    aria(root, { role: "region", label: "explorer" });
    const parts = PARTS.filter((name) => views[name]).map((name) => ({
      name,
      at: h("section", ""),
    }));
    const body = h("div", "hw-parts", ...parts.map(({ at }) => at));
    root.replaceChildren(style(STYLE), body);
    const state = () => {
      const states = parts.map(({ at }) => at.dataset.hwState);
      root.dataset.hwState = ["error", "busy"].find((one) => states.includes(one)) ?? "ready";
    };
    const watch = new MutationObserver(state);
    for (const { name, at } of parts) {
      views[name]?.(shown, at, signal);
      watch.observe(at, { attributes: true, attributeFilter: ["data-hw-state"] });
    }
    state();
    signal.addEventListener("abort", () => {
      watch.disconnect();
      root.replaceChildren();
    });
  };
