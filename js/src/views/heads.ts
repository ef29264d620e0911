// All heads as thumbnails: one canvas, and an ARIA grid that holds the one cell under the cursor.

import { h } from "../lib/dom";
import { colourBytes, GUTTER, type layout, RULER, type Thumbs, thumbOf } from "../lib/heatmap";
import type { Edit } from "../state";
import type { Paint } from "./paint";

export const GLYPHS: Record<Edit["kind"], string> = {
  zero: "⊘",
  mean: "μ",
  patch: "⇄",
  scale: "×",
};

export const HEADS_STYLE = `
.hw-heads { position: relative; overflow: auto; max-height: 480px; max-width: 100%; outline: none;
  flex: none; border-radius: 4px; }
.hw-heads:focus-visible { box-shadow: 0 0 0 2px var(--hw-accent); }
.hw-heads canvas { display: block; cursor: pointer; }
.hw-picked, .hw-cursor { position: absolute; box-sizing: border-box; pointer-events: none;
  border-radius: 4px; transition: left .12s, top .12s; }
.hw-picked { border: 3px solid var(--hw-pick); }
.hw-cursor { border: 2px solid #fff; outline: 2px solid #000; opacity: 0; }
.hw-heads:focus-visible .hw-cursor { opacity: 1; }
`;

export interface HeadsState {
  thumbs: Thumbs | null;
  signed: boolean;
  layers: number;
  heads: number;
  /** "4.11", or "" */
  selection: string;
  edits: Edit[];
  name: (head: string) => string;
}

/** The grid; `pick` is told of a head that a person selects, `point` of one they look at. */
export function headGrid(
  pick: (head: string) => void,
  point: (head: string) => void,
  signal: AbortSignal,
) {
  const canvas = h("canvas", "");
  canvas.setAttribute("aria-hidden", "true");
  const cell = h("div", "hw-cursor");
  const id = `hw-${Math.random().toString(36).slice(2)}`;
  cell.id = id;
  cell.setAttribute("role", "gridcell");
  const row = h("div", "", cell);
  row.setAttribute("role", "row");
  const picked = h("div", "hw-picked");
  const element = h("div", "hw-heads", canvas, picked, row);
  element.tabIndex = 0;
  element.dataset.lmSuppressShortcuts = "true";
  for (const [name, value] of Object.entries({
    role: "grid",
    "aria-label": "attention heads, layers by heads",
    "aria-activedescendant": id,
  })) {
    element.setAttribute(name, value);
  }
  let state: HeadsState | undefined;
  let side = 0;
  let drawn: unknown[] = [];
  let cursor: [number, number] = [0, 0];

  const place = (box: HTMLElement, layer: number, head: number) => {
    Object.assign(box.style, {
      left: `${GUTTER + head * side - 2}px`,
      top: `${RULER + layer * side - 2}px`,
      width: `${side + 2}px`,
      height: `${side + 2}px`,
    });
  };
  const move = (layer: number, head: number, told = true) => {
    if (!state) return;
    const within = (at: number, count: number) => Math.max(0, Math.min(count - 1, at));
    cursor = [within(layer, state.layers), within(head, state.heads)];
    place(cell, ...cursor);
    const name = cursor.join(".");
    const edits = state.edits.filter((edit) => edit.target === name).map((edit) => edit.kind);
    row.setAttribute("aria-rowindex", String(cursor[0] + 1));
    cell.setAttribute("aria-colindex", String(cursor[1] + 1));
    cell.setAttribute("aria-selected", String(name === state.selection));
    cell.setAttribute("aria-label", [`head ${state.name(name)}`, ...edits].join(", "));
    if (!told) return;
    cell.scrollIntoView?.({ block: "nearest", inline: "nearest" });
    point(name);
  };
  const under = (event: MouseEvent): [number, number] | undefined => {
    const box = canvas.getBoundingClientRect();
    const head = Math.floor((event.clientX - box.left - GUTTER) / side);
    const layer = Math.floor((event.clientY - box.top - RULER) / side);
    const inside = state && layer >= 0 && head >= 0 && layer < state.layers && head < state.heads;
    return inside ? [layer, head] : undefined;
  };

  canvas.addEventListener("click", (event) => {
    const at = under(event);
    if (!at) return;
    move(...at);
    pick(at.join("."));
  });
  canvas.addEventListener("mousemove", (event) => {
    const at = under(event);
    canvas.title = at ? `head ${state?.name(at.join("."))}` : "";
    point(at?.join(".") ?? "");
  });
  canvas.addEventListener("mouseleave", () => point(""));
  element.addEventListener("keydown", (event) => {
    const [layer, head] = cursor;
    const far = event.ctrlKey || event.metaKey;
    const moves: Record<string, [number, number]> = {
      ArrowUp: [layer - 1, head],
      ArrowDown: [layer + 1, head],
      ArrowLeft: [layer, head - 1],
      ArrowRight: [layer, head + 1],
      Home: [far ? 0 : layer, 0],
      End: [far ? 1e9 : layer, 1e9],
    };
    const to = moves[event.key];
    if (to) move(...to);
    else if (event.key === "Enter") pick(cursor.join("."));
    else if (event.key === "Escape") element.blur();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  signal.addEventListener("abort", () => element.remove(), { once: true });

  function draw(next: HeadsState, at: ReturnType<typeof layout>, paint: Paint): void {
    const chosen = next.selection !== state?.selection;
    state = next;
    side = at.cell;
    element.setAttribute("aria-rowcount", String(next.layers));
    element.setAttribute("aria-colcount", String(next.heads));
    element.style.width = `${at.gridWidth}px`;
    const [layer = -1, head = -1] = next.selection ? next.selection.split(".").map(Number) : [];
    picked.hidden = layer < 0;
    place(picked, layer, head);
    if (chosen && layer >= 0) cursor = [layer, head];
    move(...cursor, false);
    const now = [next.thumbs, next.signed, JSON.stringify(next.edits), side, paint];
    if (now.every((value, i) => value === drawn[i])) return;
    drawn = now;
    const width = GUTTER + side * next.heads + 2;
    const context = paint.size(canvas, width, at.gridHeight);
    if (context) drawHeads(context, next, side, paint);
  }
  return { element, draw };
}

function drawHeads(
  context: CanvasRenderingContext2D,
  { thumbs, signed, layers, heads, edits }: HeadsState,
  side: number,
  paint: Paint,
): void {
  context.font = `11px ${paint.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = paint.quiet;
  const step = Math.ceil(18 / side);
  for (let i = 0; i < heads; i += step) {
    context.fillText(String(i), GUTTER + (i + 0.5) * side, RULER / 2);
  }
  for (let i = 0; i < layers; i += step) {
    context.fillText(String(i), GUTTER / 2, RULER + (i + 0.5) * side);
  }
  const inner = side - 2;
  context.strokeStyle = paint.line;
  for (let layer = 0; layer < layers; layer++) {
    for (let head = 0; head < heads; head++) {
      const [x, y] = [GUTTER + head * side, RULER + layer * side];
      context.fillStyle = paint.soft;
      context.fillRect(x, y, inner, inner);
      if (!thumbs || layer >= thumbs.layers || head >= thumbs.heads) continue;
      const pixels = colourBytes(thumbOf(thumbs, layer, head), paint.table(signed));
      const picture = paint.picture(pixels, thumbs.edge);
      context.imageSmoothingEnabled = thumbs.edge > inner;
      if (picture) context.drawImage(picture, x, y, inner, inner);
      if (signed) context.strokeRect(x + 0.5, y + 0.5, inner - 1, inner - 1);
    }
  }
  context.font = `bold 13px ${paint.font}`;
  for (const edit of edits) {
    const [layer, head] = edit.target.split(".").map(Number);
    if (layer === undefined || head === undefined || Number.isNaN(layer)) continue;
    const [x, y] = [GUTTER + (head + 1) * side - 11, RULER + layer * side + 9];
    context.fillStyle = paint.surface;
    context.fillRect(x - 8, y - 8, 16, 16);
    context.fillStyle = paint.ink;
    context.fillText(GLYPHS[edit.kind], x, y);
  }
}
