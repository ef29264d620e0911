// Everything of a session in one root: heads, attention, edits, linked through the session; and
// the kinds of head and the succession lab, tabs that are mounted when they are first opened.

import type { AnyModel } from "@anywidget/types";
import { aria, h, on } from "../lib/dom";
import { whenChanged } from "../lib/model";
import { css, style } from "../lib/theme";
import type { Mount } from "../views";

const PARTS = ["grid", "attention", "panel"] as const;
const TABS = [
  ["heads", "heads"],
  ["kinds", "kinds of head"],
  ["succession", "succession lab"],
] as const;
type Tab = (typeof TABS)[number][0];
/** The view behind a tab that is mounted when it is opened. */
const OPENED: Partial<Record<Tab, string>> = { kinds: "taxonomy", succession: "succession" };

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
    const further = TABS.map(([name]) => name).filter((name) => views[OPENED[name] ?? ""]);
    if (further.length) {
      const pages = new Map<Tab, HTMLElement>([["heads", body]]);
      for (const name of further) pages.set(name, h("section", ""));
      tabs(shown.own as unknown as AnyModel<Tabbed>, root, pages, signal, (name) => {
        const at = pages.get(name);
        const view = OPENED[name];
        if (!at || !view) return;
        seen.push(at);
        mount(view, at);
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
  tab: Tab;
}

/** A tab for each page; what a further one shows is made when it is opened. */
function tabs(
  own: AnyModel<Tabbed>,
  root: HTMLElement,
  pages: Map<Tab, HTMLElement>,
  signal: AbortSignal,
  open: (name: Tab) => void,
): void {
  const id = `hw-${Math.random().toString(36).slice(2)}`;
  const names = TABS.filter(([name]) => pages.has(name));
  const choose = (to: Tab) => {
    own.set("tab", to);
    own.save_changes();
  };
  const heads = pages.get("heads") as HTMLElement;
  const panels = new Map<Tab, HTMLElement>();
  const marks = names.map(([name, text], place) => {
    const mark = aria(h("button", "", text), { role: "tab", controls: `${id}-${name}` });
    mark.type = "button";
    on(mark, "click", () => choose(name));
    on(mark, "keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      const other = marks[(place + step + marks.length) % marks.length];
      if (!other) return;
      choose(other.name);
      other.mark.focus();
    });
    const page = pages.get(name) as HTMLElement;
    const panel = name === "heads" ? page : h("div", "", page);
    aria(panel, { role: "tabpanel", label: name });
    panel.id = `${id}-${name}`;
    panels.set(name, panel);
    return { name, mark };
  });
  const list = aria(h("div", "hw-tabs", ...marks.map(({ mark }) => mark)), {
    role: "tablist",
    label: "what is explored",
  });
  list.dataset.lmSuppressShortcuts = "true";
  heads.before(list);
  heads.after(...[...panels.values()].filter((panel) => panel !== heads));
  const opened = new Set<Tab>(["heads"]);
  const draw = () => {
    const tab = own.get("tab") ?? "heads";
    if (!opened.has(tab)) {
      opened.add(tab);
      open(tab);
    }
    for (const { name, mark } of marks) {
      aria(mark, { selected: name === tab });
      mark.tabIndex = name === tab ? 0 : -1;
      (panels.get(name) as HTMLElement).hidden = name !== tab;
    }
    root.dataset.hwTab = tab;
  };
  whenChanged(own, ["tab"], draw, signal);
}
