// Layers × heads on a canvas: an ARIA grid that holds the one cell under the cursor, what keys
// and mouse do in it, and the rings of the cursor and of the selection.

import { aria, h, on } from "../lib/dom";
import { GUTTER, RULER } from "../lib/heatmap";
import { css } from "../lib/theme";
import { rulers } from "./cell-marks";
import type { Paint } from "./paint";

export const CELLS_STYLE = css`
.hw-heads { position: relative; overflow: auto; max-height: 480px; max-width: 100%; outline: none;
  flex: none; border-radius: 4px; }
.hw-heads:focus-visible { box-shadow: 0 0 0 2px var(--hw-accent); }
.hw-heads canvas { display: block; cursor: pointer; }
.hw-picked, .hw-cursor { position: absolute; box-sizing: border-box; pointer-events: none;
  border-radius: 4px; }
.hw-picked { border: 3px solid var(--hw-pick); }
.hw-cursor { border: 2px solid #fff; outline: 2px solid #000; opacity: 0; }
.hw-heads:focus-visible .hw-cursor { opacity: 1; }
`;

/** What a person does with a head, and which one they look at: "4.11", or "". */
export interface Acts {
  pick: (head: string) => void;
  toggle?: (head: string) => void;
  point: (head: string) => void;
  /** Whether `pick` only selects: then a mouse does it as it goes down. */
  selects?: boolean;
}

/** A grid at one moment; `wide` and `high` are a cell's pixels. */
export interface Cells {
  layers: number;
  heads: number;
  wide: number;
  high: number;
  /** "4.11", or "" */
  selection: string;
  /** A head in words. */
  spoken: (head: string) => string;
  /** What stands above the columns instead of their numbers, written upwards, and its room. */
  above?: { words: string[]; high: number };
  /** Fill the cells. */
  picture: (context: CanvasRenderingContext2D) => void;
  /** What the picture is of, besides size and colours: one that is the same stays. */
  of: unknown[];
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
  on(element, "blur", () => acts.point(""));
  on(element, "keydown", (event) => {
    const to = moves(event)[event.key];
    if (to !== undefined) move(to);
    else if (event.key === "Escape") element.blur();
    else if (!at()) return;
    else if (event.key === "Enter") acts.pick(at());
    else if (event.key === " " && acts.toggle) acts.toggle(at());
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

export function cellGrid(acts: Acts) {
  const canvas = aria(h("canvas", ""), { hidden: true });
  const cell = aria(h("div", "hw-cursor"), { role: "gridcell" });
  cell.id = `hw-${Math.random().toString(36).slice(2)}`;
  const row = aria(h("div", "", cell), { role: "row" });
  const picked = h("div", "hw-picked");
  const element = aria(h("div", "hw-heads", canvas, picked, row), {
    role: "grid",
    label: "attention heads, layers by heads",
    activedescendant: cell.id,
  });
  let now: Cells | undefined;
  let cursor = 0;
  let drawn: unknown[] = [];
  let pointed = "";

  const point = (head: string) => {
    if (head !== pointed) acts.point(head);
    pointed = head;
  };
  const name = (at: number) =>
    now && at >= 0 ? `${Math.floor(at / now.heads)}.${at % now.heads}` : "";
  const top = () => now?.above?.high ?? RULER;
  const place = (box: HTMLElement, at: number, { heads, wide, high }: Cells) => {
    box.style.left = `${GUTTER + (at % heads) * wide - 2}px`;
    box.style.top = `${top() + Math.floor(at / heads) * high - 2}px`;
    box.style.width = `${wide + 2}px`;
    box.style.height = `${high + 2}px`;
  };
  const put = (to: number) => {
    if (!now) return;
    cursor = Math.max(0, Math.min(now.layers * now.heads - 1, to));
    place(cell, cursor, now);
    const here = name(cursor);
    aria(row, { rowindex: Math.floor(cursor / now.heads) + 1 });
    aria(cell, {
      colindex: (cursor % now.heads) + 1,
      selected: here === now.selection,
      label: now.spoken(here),
    });
  };
  const move = (to: number) => {
    put(to);
    cell.scrollIntoView?.({ block: "nearest", inline: "nearest" });
    point(name(cursor));
  };
  const under = (event: MouseEvent): number => {
    if (!now) return -1;
    const { layers, heads, wide, high } = now;
    const box = canvas.getBoundingClientRect();
    const head = Math.floor((event.clientX - box.left - GUTTER) / wide);
    const layer = Math.floor((event.clientY - box.top - top()) / high);
    return layer >= 0 && head >= 0 && layer < layers && head < heads ? layer * heads + head : -1;
  };
  const moves = ({ ctrlKey, metaKey }: KeyboardEvent): Record<string, number> => {
    const { heads = 1, layers = 1 } = now ?? {};
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

  const pick = (event: MouseEvent) => {
    const at = under(event);
    if (at < 0) return;
    acts.pick(name(at)); // first: the answer is on its way while the rest is drawn
    move(at);
  };
  // A mouse goes down a tenth of a second before its click; a finger may begin to scroll.
  on(canvas, "pointerdown", (event) => {
    if (acts.selects && event.pointerType === "mouse" && event.button === 0) pick(event);
  });
  on(canvas, "click", (event) => {
    if (!acts.selects || name(under(event)) !== now?.selection) pick(event);
  });
  on(canvas, "mousemove", (event) => point(name(under(event))));
  on(canvas, "mouseleave", () => point(""));
  onKeys(element, { ...acts, point }, () => name(cursor), moves, move);

  function draw(next: Cells, paint: Paint): void {
    const { layers, heads, wide, high, selection, of, picture } = next;
    const chosen = selection !== now?.selection || heads !== now.heads || layers !== now.layers;
    now = next;
    aria(element, { rowcount: layers, colcount: heads });
    const [layer = -1, head = -1] = selection ? selection.split(".").map(Number) : [];
    const at = layer * heads + head;
    picked.hidden = layer < 0;
    if (layer >= 0) place(picked, at, next);
    put(chosen && layer >= 0 ? at : cursor);
    const looks = JSON.stringify([layers, heads, wide, high, next.above, paint, devicePixelRatio]);
    const all = [looks, ...of];
    if (all.every((value, i) => value === drawn[i])) return;
    drawn = all;
    const context = paint.size(canvas, GUTTER + wide * heads + 2, top() + high * layers + 2);
    if (!context) return;
    rulers(context, next, paint);
    picture(context);
  }
  return { element, canvas, draw };
}
