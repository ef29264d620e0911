// Edits as toggles: the list and undo. Sets the session's edits at once.

import { aria, button, h } from "../lib/dom";
import { css } from "../lib/theme";
import { type Edit, say } from "../state";
import { ADD_STYLE, addRow } from "./panel-add";
import { type Item, kept, listed, type Off, type OwnLook, type Seen } from "./panel-data";

const MOST = 100;

export const EDITS_STYLE =
  css`
.hw-chips { list-style: none; display: flex; flex-wrap: wrap; gap: 5px; margin: 6px 0 0;
  padding: 0; min-height: 26px; align-items: center; }
.hw-chips li { display: inline-flex; border: 1px solid var(--hw-line); border-radius: 13px;
  overflow: hidden; }
.hw-panel .hw-chips button { border: 0; border-radius: 0; background: none; padding: 1px 4px 1px 9px;
  font-family: var(--hw-mono); font-size: 12px; }
.hw-panel .hw-chips button + button { padding: 1px 9px 1px 5px; }
.hw-chips li:has([aria-pressed="true"]) { border-color: var(--hw-edited);
  background: color-mix(in srgb, var(--hw-edited) 14%, transparent); }
.hw-chips [aria-pressed="false"] { color: var(--hw-quiet); }
` + ADD_STYLE;

export function editList(session: Seen, own: OwnLook, able: () => boolean) {
  const past: { edits: Edit[]; off: Off[] }[] = [];
  let place: number | null = null;
  const items = () => listed(session.get("edits") ?? [], own.get("off") ?? []);
  const put = ({ edits, off }: { edits: Edit[]; off: Off[] }) => {
    own.set("off", off);
    own.save_changes();
    session.set("edits", edits);
    session.save_changes();
  };
  const change = (to: Item[]) => {
    if (!able()) return;
    past.push({ edits: session.get("edits") ?? [], off: own.get("off") ?? [] });
    if (past.length > MOST) past.shift();
    put(kept(to));
  };
  const undo = () => {
    const last = able() ? past.pop() : undefined;
    if (last) put(last);
  };

  const row = addRow(session, (edit) => change([...items(), { edit, on: true }]), able);
  const chips: { li: HTMLElement; toggle: HTMLButtonElement; away: HTMLButtonElement }[] = [];
  const list = h("ul", "hw-chips");
  aria(list, { label: "edits" });
  const none = h("span", "hw-quiet", "no edits: choose a head, then add");
  const chip = (i: number) => {
    const toggle = button("", () =>
      change(items().map((item, j) => (j === i ? { ...item, on: !item.on } : item))),
    );
    const away = button("×", () => {
      change(items().filter((_, j) => j !== i));
      chips[Math.min(i, chips.length - 1)]?.toggle.focus();
    });
    return { li: h("li", "", toggle, away), toggle, away };
  };
  const draw = () => {
    const now = items();
    while (chips.length > now.length) chips.pop()?.li.remove();
    none.remove();
    now.forEach(({ edit, on }, i) => {
      const words = say(edit);
      const { li, toggle, away } = chips[i] ?? chip(i);
      chips[i] = { li, toggle, away };
      if (!li.parentNode) list.append(li);
      toggle.textContent = `${on ? "●" : "○"} ${words}`;
      aria(toggle, { pressed: on });
      aria(away, { label: `remove ${words}` });
      toggle.disabled = away.disabled = !able();
    });
    if (!now.length) list.append(none);
    row.draw(place);
  };
  return {
    element: h("div", "hw-edits", row.element, list),
    draw,
    undo,
    /** Add an edit, or take it away. */
    toggle: (edit: Edit) => {
      const [there, now] = [items(), say(edit)];
      const rest = there.filter((item) => !(item.on && say(item.edit) === now));
      change(rest.length < there.length ? rest : [...there, { edit, on: true }]);
    },
    reset: () => change([]),
    can: () => ({ undo: past.length > 0, reset: items().length > 0 }),
    at: (position: number) => {
      place = position;
      draw();
    },
  };
}
