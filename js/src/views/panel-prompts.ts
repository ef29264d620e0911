// The prompts in place: two fields, their tokens one above the other, a set, a pasted table.

import { visible } from "../card";
import { aria, button, h, on } from "../lib/dom";
import { term } from "../lib/glossary";
import type { Ask } from "../lib/session";
import { css } from "../lib/theme";
import { MEANS, type Panel, type Seen } from "./panel-data";
import { area, input, onKey, refusal } from "./panel-parts";

const UNSEEN = "the model's training never saw this token: what it does here means little";

type Name = "clean" | "corrupted";

export const PROMPTS_STYLE = css`
.hw-fields { display: grid; grid-template-columns: 6em 1fr; gap: 4px 10px; align-items: baseline; }
.hw-fields .hw-why { grid-column: 2; }
.hw-panel textarea { font: 13px/1.45 var(--hw-mono); color: var(--hw-fg); background: var(--hw-bg);
  border: 1px solid var(--hw-line); border-radius: 4px; padding: 3px 7px; width: 100%;
  box-sizing: border-box; resize: vertical; field-sizing: content; max-height: 9em; display: block; }
.hw-panel [aria-invalid="true"] { border-color: var(--hw-bad); }
.hw-strip { display: flex; flex-wrap: wrap; gap: 3px 2px; margin-top: 7px; max-height: 168px;
  overflow: auto; padding: 2px; }
.hw-strip > span { display: inline-grid; }
.hw-panel .hw-strip button, .hw-strip i { font: 12px/19px var(--hw-mono); padding: 0 5px; border: 0;
  border-radius: 3px; white-space: pre; text-align: left; background: var(--hw-soft);
  color: var(--hw-fg); max-width: 16em; overflow: hidden; text-overflow: ellipsis; }
.hw-strip i { background: none; color: var(--hw-quiet); min-height: 19px; }
.hw-panel .hw-strip button[aria-current="true"] { box-shadow: inset 0 0 0 1.5px var(--hw-fg); }
.hw-strip .hw-differs i { color: var(--hw-fg);
  background: color-mix(in srgb, var(--hw-corrupted) 20%, transparent); }
.hw-strip .hw-first i { box-shadow: inset 0 0 0 1.5px var(--hw-corrupted); }
.hw-panel .hw-strip .hw-unseen { text-decoration: underline wavy var(--hw-bad) 1px; text-underline-offset: 3px; }
.hw-panel .hw-caption { display: flex; flex-wrap: wrap; gap: 2px 12px; min-height: 27px; align-items: center; }
.hw-caption input { width: 9em; }
`;

export function prompts(
  session: Seen,
  ask: Ask,
  able: () => boolean,
  pick: (position: number) => void,
  signal: AbortSignal,
) {
  const fields = { clean: field("clean"), corrupted: field("corrupted") };
  const table = tableBox(ask, able);
  const tokens = strip((at) => {
    choose(at);
    pick(at);
  });
  const instead = input("instead", "put in its place");
  const chosen = h("label", "", "", instead);
  const words = h("span", "hw-quiet");
  const why = refusal();
  const caption = h("div", "hw-caption", words, chosen, why.element);
  chosen.hidden = true;
  let at = 0;

  const choose = (position: number) => {
    at = position;
    chosen.hidden = false;
    const piece = session.get("panel")?.tokens?.clean.pieces[position] ?? "";
    chosen.firstChild?.replaceWith(`corrupt ${position} ${visible(piece)} to `);
    instead.value = "";
    instead.disabled = !able();
    instead.focus();
  };
  const leave = () => {
    chosen.hidden = true;
    why.say("");
    tokens.focus();
  };
  onKey(instead, "Escape", leave);
  onKey(instead, "Enter", (event) => {
    event.preventDefault();
    if (!instead.value) return;
    why.say("");
    ask("replace_token", { at, text: instead.value }, { key: "panel-prompt", signal }).then(
      leave,
      why.tell,
    );
  });

  function field(which: Name) {
    const box = area(which === "clean" ? "prompt" : "corrupted prompt");
    if (which === "corrupted") box.placeholder = "none: type one, or click a token below";
    const why = refusal();
    let shown = "";
    const dirty = () => box.value !== shown;
    const refused = (bad: boolean) => aria(box, { invalid: bad });
    const put = (value: Text) => {
      box.value = Array.isArray(value) ? value.join(" ") : (value ?? "");
      shown = box.value; // as the field gives it back: it has no \r
    };
    const read = () => {
      const ids = Array.isArray(session.get("prompt")) && /^[\d\s,]+$/.test(box.value);
      return ids ? (box.value.match(/\d+/g) ?? []).map(Number) : box.value;
    };
    on(box, "keydown", (event) => {
      if (event.key === "Escape" && dirty()) {
        event.stopPropagation();
        box.value = shown;
        why.say("");
        refused(false);
      }
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      if (!dirty() || !able()) return;
      const sent = box.value;
      why.say("");
      refused(false);
      ask("set_prompt", { which, prompt: read() }, { key: "panel-prompt", signal }).then(
        () => {
          if (box.value === sent) shown = sent;
        },
        (error) => {
          why.tell(error);
          refused(error.name !== "Cancelled");
        },
      );
    });
    on(box, "paste", (event) => {
      const text = event.clipboardData?.getData("text/plain") ?? "";
      if (which === "corrupted" || text.trim().split(/\r?\n/).length < 2) return;
      event.preventDefault();
      table.open(text);
    });
    let known: Text;
    const draw = () => {
      const now = session.get(which === "clean" ? "prompt" : "corrupted_prompt");
      box.readOnly = !able();
      // Another prompt came from elsewhere: what was refused before is over.
      const other = String(now) !== String(known) && document.activeElement !== box;
      if (other) refused(false);
      if (other) why.say("");
      if (other || !dirty()) put(now);
      known = now;
    };
    return { parts: [h("span", "hw-key", term(which, MEANS[which])), box, why.element], draw };
  }
  const rows = h("div", "hw-fields");
  for (const which of ["clean", "corrupted"] as const) {
    const [key, ...rest] = fields[which].parts;
    if (key) key.dataset.run = which;
    rows.append(...(key ? [key, ...rest] : []));
  }
  return {
    element: h("div", "", rows, tokens.element, caption, table.element),
    table,
    draw(panel: Panel) {
      fields.clean.draw();
      fields.corrupted.draw();
      tokens.draw(panel);
      words.textContent = compared(panel);
      instead.disabled = !able();
    },
  };
}

type Text = string | number[] | null;

/** How the two prompts compare, in words. */
function compared({ tokens, first }: Panel): string {
  if (!tokens) return "";
  const [n, m] = [tokens.clean.n, tokens.corrupted?.n];
  const cut =
    tokens.clean.pieces.length < n ? `, the first ${tokens.clean.pieces.length} shown` : "";
  const odd = tokens.clean.unseen.length + (tokens.corrupted?.unseen.length ?? 0);
  const never = odd ? `, ${odd} that training never saw (underlined)` : "";
  if (m === undefined) return `${n} tokens${cut}${never}`;
  const apart = typeof first === "number" ? `they first differ at ${first}` : "they are the same";
  return `${n === m ? `${n}` : `${n} and ${m}`} tokens${cut}, ${apart}${never}`;
}

/** The clean tokens as buttons, one tab stop, each over its corrupted partner. */
function strip(choose: (at: number) => void) {
  const element = h("div", "hw-strip");
  aria(element, { role: "toolbar", label: "tokens: choose one to replace it or to edit there" });
  let drawn = "";
  let at = 0;
  const buttons = () => [...element.querySelectorAll<HTMLButtonElement>("button")];
  const move = (to: number, focus = true) => {
    const all = buttons();
    at = Math.max(0, Math.min(all.length - 1, to));
    all.forEach((button, i) => {
      button.tabIndex = i === at ? 0 : -1;
    });
    if (focus) all[at]?.focus();
  };
  on(element, "keydown", (event) => {
    const ends: Record<string, number> = {
      ArrowLeft: at - 1,
      ArrowRight: at + 1,
      Home: 0,
      End: 1e9,
    };
    const to = ends[event.key];
    if (to === undefined) return;
    event.preventDefault();
    move(to);
  });
  on(element, "click", (event) => {
    const button = (event.target as HTMLElement).closest("button");
    if (!button) return;
    move(buttons().indexOf(button), false);
    for (const each of buttons()) aria(each, { current: each === button });
    choose(at);
  });
  return {
    element,
    focus: () => move(at),
    draw({ tokens, first }: Panel) {
      const key = JSON.stringify([tokens, first]);
      if (key === drawn || !tokens) return;
      drawn = key;
      const [above, below] = [tokens.clean.pieces, tokens.corrupted?.pieces];
      const unseen = new Set(tokens.clean.unseen);
      const unseenBelow = new Set(tokens.corrupted?.unseen);
      const n = Math.max(above.length, below?.length ?? 0);
      element.replaceChildren(
        ...Array.from({ length: n }, (_, i) => {
          const column = h(
            "span",
            [
              above[i] && below?.[i] && above[i] !== below[i] && "hw-differs",
              i === first && "hw-differs hw-first",
            ]
              .filter(Boolean)
              .join(" "),
          );
          if (i < above.length) {
            const token = button(visible(above[i] ?? "") || "∅");
            token.title = `position ${i}`;
            column.append(unseen.has(i) ? unknown(token) : token);
          } else column.append(h("i", "", ""));
          if (below) {
            const partner = h("i", "", visible(below[i] ?? ""));
            column.append(unseenBelow.has(i) ? unknown(partner) : partner);
          }
          return column;
        }),
      );
      move(Math.min(at, n - 1), false);
    },
  };
}

/** Mark a token that training never saw. */
function unknown<T extends HTMLElement>(token: T): T {
  token.classList.add("hw-unseen");
  token.title = [token.title, UNSEEN].filter(Boolean).join(": ");
  return token;
}

/** A box for a table; what Python refuses is said under it and stays. */
function tableBox(ask: Ask, able: () => boolean) {
  const box = area("a table of prompts, with tabs or commas", 5);
  box.placeholder = "clean\tcorrupted\tanswer\tfoil\n… or one prompt a line";
  const why = refusal();
  const close = () => {
    element.hidden = true;
    why.say("");
  };
  const use = button("use as prompt set", () => {
    why.say("");
    if (!able()) return;
    ask("use_table", { text: box.value }, { key: "panel-prompt" }).then(() => {
      box.value = "";
      close();
    }, why.tell);
  });
  const buttons = h("div", "hw-bar", use, button("close", close), why.element);
  onKey(box, "Escape", close);
  const element = h("div", "hw-table", box, buttons);
  element.hidden = true;
  return {
    element,
    open(text?: string) {
      if (text === undefined && !element.hidden) return close();
      if (text !== undefined) box.value = text;
      element.hidden = false;
      box.focus();
    },
  };
}
