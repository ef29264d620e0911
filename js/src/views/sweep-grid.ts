// The cells of a sweep: layers × heads, or positions with their tokens above.

import { visible } from "../card";
import { h } from "../lib/dom";
import { GUTTER, RULER } from "../lib/heatmap";
import { gradient } from "../lib/lut";
import type { Edit } from "../state";
import { type Cells, cellGrid } from "./cell-grid";
import { marks } from "./cell-marks";
import { awaited, slash } from "./grid-paint";
import { levelOf, printed } from "./grid-table";
import { onLooks, type Paint, paintOf } from "./paint";
import { among, cellWords, editOf, type Sheet, type Swept, sheet } from "./sweep-data";

const LETTERS = 12;
const PRINTED = 40;

/** What a person does with a cell: its place in the table, or -1. */
interface CellActs {
  pick: (i: number) => void;
  point: (i: number) => void;
}

export function sweepGrid(root: HTMLElement, signal: AbortSignal, acts: CellActs) {
  let now: Sheet | undefined;
  const place = (name: string) => {
    const [row = -1, column = -1] = name ? name.split(".").map(Number) : [];
    return now && row >= 0 ? now.from + row * now.columns + column : -1;
  };
  const pick = (name: string) => acts.pick(place(name));
  const cells = cellGrid({ pick, toggle: pick, point: (name) => acts.point(place(name)) });
  const [low, strip, high] = [h("span", ""), h("i", "hw-strip-of"), h("span", "")];
  const scale = h("span", "hw-bar hw-number", low, strip, high);
  let paint: Paint = paintOf(root);
  let last: [Swept, number, Edit[]] | undefined;

  function draw(swept: Swept, layer: number, edits: Edit[]): void {
    last = [swept, layer, edits];
    const { found, effect } = swept;
    const mine = sheet(swept, layer);
    now = mine;
    const { rows, columns, from } = mine;
    const room = (cells.element.parentElement?.clientWidth || 640) - GUTTER - 4;
    const wide = Math.max(15, Math.min(52, Math.floor(room / Math.max(columns, 1))));
    const tall = Math.min(24, Math.max(14, wide));
    const on = Array.from({ length: rows * columns }, (_, i) => editOf(found, from + i)).map(
      (edit) => among(edits, edit),
    );
    cells.element.setAttribute("aria-label", label(swept, layer));
    const state: Cells = {
      ...{ layers: rows, heads: columns, wide, high: tall, selection: "" },
      ...above(swept),
      of: [swept, layer, on.join()],
      spoken: (name) =>
        cellWords(swept, place(name)) + (on[place(name) - from] ? ", in force" : ""),
      picture: (context) => {
        const top = state.above?.high ?? RULER;
        for (let i = 0; i < rows * columns; i++) {
          const x = GUTTER + (i % columns) * wide;
          const y = top + Math.floor(i / columns) * tall;
          const box = [x, y, wide - 2, tall - 2] as const;
          if (swept.done[from + i]) fill(context, swept, from + i, box, paint);
          else awaited(context, ...box, paint);
        }
        const glyphs = on.flatMap((is, i) =>
          is
            ? [{ ...editOf(found, from + i), target: `${Math.floor(i / columns)}.${i % columns}` }]
            : [],
        );
        context.translate(0, top - RULER);
        marks(context, glyphs, { wide, high: tall }, paint);
      },
    };
    cells.draw(state, paint);
    const end = printed(swept, swept.ends[1]);
    [low.textContent, high.textContent] = [`−${end}`, `+${end}`];
    strip.style.background = gradient(paint.table(true));
    strip.title = effect.length ? "effect on the metric" : "";
  }
  const again = () => {
    paint = paintOf(root);
    if (last) draw(...last);
  };
  onLooks(root, () => requestAnimationFrame(again), signal);
  return { element: cells.element, scale, draw };
}

/** Tokens above the columns, where these are positions. */
function above({ found }: Swept): Pick<Cells, "above"> {
  if (found.over === "heads") return {};
  const words = (found.places ?? []).map(({ at, token }) => {
    const text = [...visible(token)];
    const cut = text.length > LETTERS ? `${text.slice(0, LETTERS - 1).join("")}…` : text.join("");
    return cut || String(at);
  });
  return { above: { words, high: 12 + 6.8 * Math.max(2, ...words.map((word) => word.length)) } };
}

function label({ found }: Swept, layer: number): string {
  const what = { heads: "layers by heads", "positions x layers": "layers by positions" };
  const rows = found.over === "heads x positions" ? "" : what[found.over ?? "heads"];
  return `effect of each edit, ${rows || `heads of layer ${layer} by positions`}`;
}

/** One cell: its colour, and its number where there is room. */
function fill(
  context: CanvasRenderingContext2D,
  swept: Swept,
  i: number,
  [x, y, wide, high]: readonly [number, number, number, number],
  paint: Paint,
): void {
  const value = swept.effect[i] ?? Number.NaN;
  const from = 3 * (Number.isFinite(value) ? levelOf(swept, value) : 128);
  const [r = 0, g = 0, b = 0] = paint.table(true).subarray(from, from + 3);
  context.fillStyle = `rgb(${r} ${g} ${b})`;
  context.fillRect(x, y, wide, high);
  context.strokeStyle = paint.line;
  context.strokeRect(x + 0.5, y + 0.5, wide - 1, high - 1);
  if (!Number.isFinite(value)) slash(context, x, y, wide, high, paint.quiet);
  else if (wide + 2 >= PRINTED) {
    context.fillStyle = 0.2126 * r + 0.7152 * g + 0.0722 * b < 125 ? "#fff" : "#111";
    context.font = `11px ${paint.font}`;
    context.fillText(printed(swept, value), x + wide / 2, y + high / 2 + 1, wide - 2);
  }
}
