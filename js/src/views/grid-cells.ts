// Layers × heads on a canvas, and an ARIA grid that holds the one cell under the cursor.

import { h } from "../lib/dom";
import { GUTTER, RULER } from "../lib/heatmap";
import type { Edit } from "../state";
import { drawCells } from "./grid-paint";
import { nameOf, spoken, type Table } from "./grid-table";
import type { Paint } from "./paint";

/** What both faces of a table draw. */
export interface GridState {
  table: Table;
  keep: Uint8Array;
  order: number[];
  selection: string;
  edits: Edit[];
}

/** What a person does with a head, and which one they look at. */
export interface Acts {
  pick: (head: string) => void;
  toggle: (head: string) => void;
  point: (head: string) => void;
}

/** The keys of a composite with one tab stop: some move, the others act on where one is. */
export function onKeys(
  element: HTMLElement,
  acts: Acts,
  at: () => string,
  moves: (event: KeyboardEvent) => Record<string, number>,
  move: (to: number) => void,
): void {
  element.tabIndex = 0;
  element.dataset.lmSuppressShortcuts = "true";
  element.addEventListener("blur", () => acts.point(""));
  element.addEventListener("keydown", (event) => {
    const to = moves(event)[event.key];
    if (to !== undefined) move(to);
    else if (event.key === "Escape") element.blur();
    else if (!at()) return;
    else if (event.key === "Enter") acts.pick(at());
    else if (event.key === " ") acts.toggle(at());
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

/** Height of a face: it stays when the other one is shown. */
export const MOST_HIGH = 640;

/** A cell's size, for a room of so many pixels. */
export function cellSize(room: number, heads: number): [number, number] {
  const wide = Math.max(9, Math.min(52, Math.floor((room - GUTTER - 4) / Math.max(heads, 1))));
  return [wide, Math.min(wide, 26)];
}

export function cellGrid(acts: Acts, signal: AbortSignal) {
  const canvas = h("canvas", "");
  canvas.setAttribute("aria-hidden", "true");
  const cell = h("div", "hw-cursor");
  cell.id = `hw-${Math.random().toString(36).slice(2)}`;
  cell.setAttribute("role", "gridcell");
  const row = h("div", "", cell);
  row.setAttribute("role", "row");
  const picked = h("div", "hw-picked");
  const element = h("div", "hw-heads hw-cells", canvas, picked, row);
  element.setAttribute("role", "grid");
  element.setAttribute("aria-label", "attention heads, layers by heads");
  element.setAttribute("aria-activedescendant", cell.id);
  let state: GridState | undefined;
  let [wide, high] = [1, 1];
  let cursor = 0;
  let drawn: unknown[] = [];

  const place = (box: HTMLElement, at: number, heads: number) => {
    Object.assign(box.style, {
      left: `${GUTTER + (at % heads) * wide - 2}px`,
      top: `${RULER + Math.floor(at / heads) * high - 2}px`,
      width: `${wide + 2}px`,
      height: `${high + 2}px`,
    });
  };
  const move = (at: number, told = true) => {
    if (!state) return;
    const { table } = state;
    cursor = Math.max(0, Math.min(table.value.length - 1, at));
    place(cell, cursor, table.heads);
    row.setAttribute("aria-rowindex", String(Math.floor(cursor / table.heads) + 1));
    cell.setAttribute("aria-colindex", String((cursor % table.heads) + 1));
    cell.setAttribute("aria-selected", String(nameOf(table, cursor) === state.selection));
    cell.setAttribute("aria-label", spoken(table, cursor, state.edits));
    if (!told) return;
    cell.scrollIntoView?.({ block: "nearest", inline: "nearest" });
    acts.point(nameOf(table, cursor));
  };
  const under = (event: MouseEvent): number => {
    const box = canvas.getBoundingClientRect();
    const head = Math.floor((event.clientX - box.left - GUTTER) / wide);
    const layer = Math.floor((event.clientY - box.top - RULER) / high);
    const { layers = 0, heads = 0 } = state?.table ?? {};
    return layer >= 0 && head >= 0 && layer < layers && head < heads ? layer * heads + head : -1;
  };

  canvas.addEventListener("click", (event) => {
    const at = under(event);
    if (at < 0 || !state) return;
    move(at);
    acts.pick(nameOf(state.table, at));
  });
  canvas.addEventListener("mousemove", (event) => {
    const at = under(event);
    acts.point(at < 0 || !state ? "" : nameOf(state.table, at));
  });
  canvas.addEventListener("mouseleave", () => acts.point(""));
  const here = () => (state ? nameOf(state.table, cursor) : "");
  const moves = ({ ctrlKey, metaKey }: KeyboardEvent): Record<string, number> => {
    const { heads = 1, layers = 1 } = state?.table ?? {};
    const first = cursor - (cursor % heads);
    const far = ctrlKey || metaKey;
    return {
      ArrowUp: cursor >= heads ? cursor - heads : cursor,
      ArrowDown: cursor < heads * (layers - 1) ? cursor + heads : cursor,
      ArrowLeft: Math.max(first, cursor - 1),
      ArrowRight: Math.min(first + heads - 1, cursor + 1),
      Home: far ? 0 : first,
      End: far ? heads * layers - 1 : first + heads - 1,
    };
  };
  onKeys(element, acts, here, moves, move);
  signal.addEventListener("abort", () => element.remove(), { once: true });

  function draw(next: GridState, room: number, paint: Paint): void {
    const { table, selection } = next;
    const chosen = selection !== state?.selection || table !== state?.table;
    state = next;
    [wide, high] = cellSize(room, table.heads);
    element.setAttribute("aria-rowcount", String(table.layers));
    element.setAttribute("aria-colcount", String(table.heads));
    const [layer = -1, head = -1] = selection ? selection.split(".").map(Number) : [];
    const at = layer * table.heads + head;
    picked.hidden = layer < 0;
    if (layer >= 0) place(picked, at, table.heads);
    if (chosen && layer >= 0) cursor = at;
    move(cursor, false);
    const now = [table, next.keep, JSON.stringify(next.edits), wide, paint];
    if (now.every((value, i) => value === drawn[i])) return;
    drawn = now;
    const width = GUTTER + wide * table.heads + 2;
    const context = paint.size(canvas, width, RULER + high * table.layers + 2);
    if (context) drawCells(context, next, wide, high, paint);
  }
  return { element, draw };
}
