// Everything of a session in one root: heads, attention, edits, linked through the session; and
// the kinds of head, a tab that is mounted when it is first opened.

import type { AnyModel } from "@anywidget/types";
import { aria, h, on } from "../lib/dom";
import { whenChanged } from "../lib/model";
import { css, style } from "../lib/theme";
import type { Mount } from "../views";

const PARTS = ["grid", "attention", "panel"] as const;
const TABS = [
  ["heads", "heads"],
  ["kinds", "kinds of head"],
] as const;

const STYLE = css`
.hw-root.hw-explore { border: 0; padding: 0; }
.hw-parts { display: grid; gap: 10px; grid-template-columns: minmax(0, 1fr); align-items: start; }
.hw-tabs { display: flex; gap: 4px; margin-bottom: 6px; }
.hw-tabs > button { font: inherit; color: var(--hw-quiet); background: none; cursor: pointer;
  border: 0; border-bottom: 2px solid transparent; padding: 3px 10px; }
.hw-tabs > button[aria-selected="true"] { color: var(--hw-fg); border-color: var(--hw-accent); }
.hw-tabs > button:focus-visible { outline: 2px solid var(--hw-accent); outline-offset: -2px; }
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
    const seen: HTMLElement[] = parts.map(({ at }) => at);
    const state = () => {
      const states = seen.map((at) => at.dataset.hwState);
      root.dataset.hwState = ["error", "busy"].find((one) => states.includes(one)) ?? "ready";
    };
    const watch = new MutationObserver(state);
    const mount = (name: string, at: HTMLElement) => {
      views[name]?.(shown, at, signal);
      watch.observe(at, { attributes: true, attributeFilter: ["data-hw-state"] });
    };
    for (const { name, at } of parts) mount(name, at);
    if (views.taxonomy) {
      const kinds = h("section", "");
      tabs(shown.own as unknown as AnyModel<Tabbed>, root, [body, kinds], signal, () => {
        seen.push(kinds);
        mount("taxonomy", kinds);
        state();
      });
    }
    state();
    signal.addEventListener("abort", () => {
      watch.disconnect();
      root.replaceChildren();
    });
  };

interface Tabbed {
  tab: "heads" | "kinds";
}

/** A tab for the heads and one for their kinds; what the second shows is made when it is opened. */
function tabs(
  own: AnyModel<Tabbed>,
  root: HTMLElement,
  [heads, kinds]: [HTMLElement, HTMLElement],
  signal: AbortSignal,
  open: () => void,
): void {
  const id = `hw-${Math.random().toString(36).slice(2)}`;
  const pages = { heads, kinds: aria(h("div", "", kinds), { role: "tabpanel", label: "kinds" }) };
  const choose = (to: Tabbed["tab"]) => {
    own.set("tab", to);
    own.save_changes();
  };
  const marks = TABS.map(([name, text]) => {
    const mark = aria(h("button", "", text), { role: "tab", controls: `${id}-${name}` });
    mark.type = "button";
    on(mark, "click", () => choose(name));
    on(mark, "keydown", (event) => {
      const other = TABS.find(([one]) => one !== name)?.[0] ?? name;
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      event.preventDefault();
      event.stopPropagation();
      choose(other);
      marks.find((one) => one.name === other)?.mark.focus();
    });
    pages[name].id = `${id}-${name}`;
    return { name, mark };
  });
  aria(heads, { role: "tabpanel", label: "heads" });
  const list = aria(h("div", "hw-tabs", ...marks.map(({ mark }) => mark)), {
    role: "tablist",
    label: "what is explored",
  });
  list.dataset.lmSuppressShortcuts = "true";
  heads.before(list);
  heads.after(pages.kinds);
  let opened = false;
  const draw = () => {
    const tab = own.get("tab") ?? "heads";
    if (tab === "kinds" && !opened) {
      opened = true;
      open();
    }
    for (const { name, mark } of marks) {
      aria(mark, { selected: name === tab });
      mark.tabIndex = name === tab ? 0 : -1;
      pages[name].hidden = name !== tab;
    }
    root.dataset.hwTab = tab;
  };
  whenChanged(own, ["tab"], draw, signal);
}
