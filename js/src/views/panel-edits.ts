// Edits as toggles: a row that adds one, the list, undo. Sets the session's edits at once.

import { aria, button, h, on } from "../lib/dom";
import { css } from "../lib/theme";
import { type Edit, say } from "../state";
import { type Item, kept, listed, type Off, type OwnLook, type Seen, target } from "./panel-data";
import { choice, input, onKey, refusal, select } from "./panel-parts";

const KINDS: readonly Edit["kind"][] = ["mean", "zero", "patch", "scale"];
const MOST = 100;

export const EDITS_STYLE = css`
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
.hw-add input[name="target"] { width: 5em; }
.hw-add input[name="factor"] { width: 4em; }
`;

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

/** The row that adds an edit: which, how, where. */
function addRow(session: Seen, add: (edit: Edit) => void, able: () => boolean) {
  const head = input("target", "head, or mlp or resid and a layer");
  const factor = input("factor", "factor of the scale");
  factor.value = "0.5";
  const kind = select(
    "kind of edit",
    KINDS.map((name) => [name, name]),
  );
  const into = select("into which run", [
    ["clean", "into clean"],
    ["corrupted", "into corrupted"],
  ]);
  const where = select("at which positions", []);
  const go = h("button", "", "add");
  const why = refusal();
  const element = h("form", "hw-bar hw-add", head, kind, factor, into, where, go, why.element);
  let typed = false;
  let places = "";
  on(head, "input", () => {
    typed = head.value.trim() !== "";
    why.say("");
  });
  on(kind, "change", () => {
    session.set("edit_kind", kind.value as Edit["kind"]);
    session.save_changes();
  });
  on(element, "submit", (event) => {
    event.preventDefault();
    try {
      add(read());
      typed = false;
      why.say("");
    } catch (error) {
      why.tell(error as Error);
    }
  });
  for (const field of [head, factor]) {
    onKey(field, "Enter", (event) => {
      event.preventDefault();
      element.requestSubmit();
    });
  }
  const read = (): Edit => {
    const model = session.get("model");
    const at = where.value === "all" ? null : where.value === "end" ? "end" : Number(where.value);
    const which = kind.value as Edit["kind"];
    const edit: Edit = {
      ...{ kind: which, at },
      target: target(head.value, Number(model.n_layers), Number(model.n_heads)),
    };
    if (which === "patch") edit.into = into.value as "clean" | "corrupted";
    if (which !== "scale") return edit;
    const value = factor.value.trim() === "" ? Number.NaN : Number(factor.value);
    if (!Number.isFinite(value)) throw new Error("expected a number to multiply by, such as 0.5");
    return { ...edit, factor: value };
  };
  return {
    element,
    draw(place: number | null) {
      if (!typed) head.value = session.get("selection") || "0.0";
      kind.value = session.get("edit_kind") ?? "mean";
      factor.hidden = kind.value !== "scale";
      into.hidden = kind.value !== "patch";
      const options = [
        ["all", "everywhere"],
        ["end", "at end"],
      ];
      if (place !== null) options.push([String(place), `at ${place}`]);
      if (JSON.stringify(options) !== places) {
        places = JSON.stringify(options);
        const before = where.value;
        where.replaceChildren(...options.map(([value, text]) => choice(value, text)));
        where.value = place !== null ? String(place) : before || "all";
      }
      for (const part of [head, kind, factor, into, where, go]) part.disabled = !able();
    },
  };
}
