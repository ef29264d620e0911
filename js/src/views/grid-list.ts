// The same heads as a ranked list: name, value as a bar with its interval, verdict. Only the
// rows in sight exist.

import { aria, h, on } from "../lib/dom";
import { css } from "../lib/theme";
import { headsOf } from "../state";
import { type Acts, onKeys } from "./cell-grid";
import { GLYPHS } from "./cell-marks";
import type { GridState } from "./grid-cells";
import { levelOf, nameOf, printed, spoken, standing, verdictOf } from "./grid-table";
import type { Paint } from "./paint";
import { fold } from "./published-marks";

const ROW = 24;

export const LIST_STYLE = css`
.hw-rank { position: relative; overflow-y: auto; outline: none; border-radius: 4px; flex: 1 1 420px;
  min-width: 0; }
.hw-rank:focus-visible { box-shadow: 0 0 0 2px var(--hw-accent); }
.hw-rank > div { position: relative; }
.hw-option { position: absolute; left: 0; right: 0; height: ${ROW}px; display: grid; cursor: pointer;
  grid-template-columns: 5.5em minmax(60px, 1fr) 5em minmax(0, 11em); gap: 10px; align-items: center;
  padding: 0 8px; box-sizing: border-box; font-family: var(--hw-mono); font-size: 12px;
  white-space: nowrap; border-radius: 4px; }
.hw-option .hw-fold { margin: 0 0 0 6px; }
.hw-option > * { overflow: hidden; text-overflow: ellipsis; }
.hw-option:hover, .hw-option.hw-at { background: var(--hw-soft); }
.hw-option[aria-selected="true"] { box-shadow: inset 0 0 0 2px var(--hw-pick); }
.hw-rank:focus-visible .hw-at { outline: 2px solid var(--hw-fg); outline-offset: -2px; }
.hw-bar-of { position: relative; height: 10px; background: var(--hw-soft); border-radius: 2px; }
.hw-bar-of i { position: absolute; top: 0; bottom: 0; border-radius: 2px; }
.hw-bar-of b { position: absolute; top: 4px; height: 2px; background: var(--hw-fg); opacity: .65; }
.hw-number { text-align: right; }
@container (max-width: 560px) { .hw-option { grid-template-columns: 4.5em minmax(40px, 1fr) 4.5em; }
  .hw-option > :last-child { display: none; } }
`;

export function rankList(acts: Acts) {
  const body = h("div", "");
  const element = h("div", "hw-rank", body);
  const id = `hw-${Math.random().toString(36).slice(2)}`;
  aria(element, { role: "listbox", label: "attention heads, the largest first" });
  let state: GridState | undefined;
  let paint: Paint | undefined;
  let cursor = 0;

  const head = (i: number) => (state ? nameOf(state.table, state.order[i] ?? 0) : "");
  const fill = () => {
    if (!state || !paint) return;
    const first = Math.max(0, Math.floor(element.scrollTop / ROW) - 2);
    const last = Math.min(
      state.order.length,
      first + Math.ceil(element.clientHeight / ROW || 20) + 5,
    );
    const shown = [...new Set([...range(first, last), cursor])].filter(
      (i) => i < (state?.order.length ?? 0),
    );
    body.style.height = `${state.order.length * ROW}px`;
    body.replaceChildren(...shown.map((i) => option(state as GridState, i, paint as Paint)));
    for (const [k, i] of shown.entries()) {
      const row = body.children[k] as HTMLElement;
      row.id = `${id}-${i}`;
      row.classList.toggle("hw-at", i === cursor);
    }
    aria(element, { activedescendant: `${id}-${cursor}` });
    if (!shown.length) body.textContent = "no head passes this filter";
  };
  const move = (to: number) => {
    if (!state?.order.length) return;
    cursor = Math.max(0, Math.min(state.order.length - 1, to));
    const top = cursor * ROW;
    const room = element.clientHeight;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + ROW > element.scrollTop + room) element.scrollTop = top + ROW - room;
    fill();
    acts.point(head(cursor));
  };
  const under = (event: Event): number => {
    const row = (event.target as Element).closest<HTMLElement>(".hw-option");
    return row ? Number(row.dataset.i) : -1;
  };

  on(element, "scroll", fill);
  on(element, "click", (event) => {
    const i = under(event);
    if (i < 0) return;
    move(i);
    acts.pick(head(i));
  });
  on(element, "mouseover", (event) => {
    const i = under(event);
    acts.point(i < 0 ? "" : head(i));
  });
  on(element, "mouseleave", () => acts.point(""));
  const moves = () => ({
    ArrowUp: cursor - 1,
    ArrowDown: cursor + 1,
    PageUp: cursor - 10,
    PageDown: cursor + 10,
    Home: 0,
    End: state?.order.length ?? 0,
  });
  onKeys(element, acts, () => (state?.order.length ? head(cursor) : ""), moves, move);

  function draw(next: GridState, height: number, how: Paint): void {
    const chosen = next.selection !== state?.selection || next.order !== state?.order;
    [state, paint] = [next, how];
    element.style.height = `${height}px`;
    if (chosen) {
      const at = next.order.findIndex((i) => nameOf(next.table, i) === next.selection);
      cursor = Math.max(0, at);
    }
    fill();
  }
  return { element, draw };
}

const range = (first: number, last: number) =>
  Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i);

/** One row of the list. */
function option(state: GridState, i: number, paint: Paint) {
  const { table, order, selection, edits, published } = state;
  const at = order[i] ?? 0;
  const name = nameOf(table, at);
  const value = table.value[at] ?? Number.NaN;
  const glyphs = edits
    .filter((edit) => headsOf(edit).includes(name))
    .map(({ kind }) => GLYPHS[kind]);
  const verdict = verdictOf(table, at);
  const dot = ["", "○ ", "● "][standing(verdict)];
  const row = h(
    "div",
    "hw-option",
    h("span", "", [name, ...glyphs].join(" "), ...(published.heads.has(name) ? [fold()] : [])),
    bar(table, at, paint),
    h("span", "hw-number", printed(table, value)),
    h("span", "", `${dot}${verdict}`),
  );
  row.dataset.i = String(i);
  row.style.top = `${i * ROW}px`;
  aria(row, {
    role: "option",
    selected: name === selection,
    label: spoken(table, name, { edits, published }),
    posinset: i + 1,
    setsize: order.length,
  });
  return row;
}

/** A value as a bar from zero, and its interval as a line over it. */
function bar(table: GridState["table"], at: number, paint: Paint): HTMLElement {
  const track = h("span", "hw-bar-of");
  const [low, high] = table.ends;
  const part = (value: number) => Math.max(0, Math.min(1, (value - low) / (high - low)));
  const line = (tag: "i" | "b", from: number, to: number) => {
    const one = h(tag, "");
    const [a, b] = [part(Math.min(from, to)), part(Math.max(from, to))];
    one.style.left = `${(100 * a).toFixed(2)}%`;
    one.style.width = `${(100 * (b - a)).toFixed(2)}%`;
    track.append(one);
    return one;
  };
  const value = table.value[at] ?? Number.NaN;
  if (!Number.isFinite(value)) return track;
  const from = 3 * levelOf(table, value);
  line("i", 0, value).style.background = `rgb(${paint
    .table(table.signed)
    .slice(from, from + 3)
    .join(" ")})`;
  const ends = ["low", "high"].map((name) => table.columns.get(name)?.[at] ?? Number.NaN);
  const [least = Number.NaN, most = Number.NaN] = ends;
  if (Number.isFinite(least + most)) line("b", least, most);
  return track;
}
