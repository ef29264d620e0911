// The cells of a grid on their canvas: colour, number, mark of the verdict, glyphs of the edits.

import { GUTTER, RULER } from "../lib/heatmap";
import { headsOf } from "../state";
import { marks } from "./cell-marks";
import type { GridState } from "./grid-cells";
import { atOf, levelOf, NOT_YET, nameOf, printed, standing, verdictOf } from "./grid-table";
import type { Paint } from "./paint";
import { foldSize, folds } from "./published-marks";

/** Cells at least this wide hold their number. */
const PRINTED = 33;

/** Draw every cell. */
export function drawCells(
  context: CanvasRenderingContext2D,
  { table, keep, edits, badges: known, published }: GridState,
  wide: number,
  high: number,
  paint: Paint,
): void {
  const colours = paint.table(table.signed);
  const edited = new Set(edits.flatMap(headsOf));
  const [inner, tall] = [wide - (wide > 12 ? 2 : 1), high - (high > 12 ? 2 : 1)];
  for (let at = 0; at < table.value.length; at++) {
    const [x, y] = [
      GUTTER + (at % table.heads) * wide,
      RULER + Math.floor(at / table.heads) * high,
    ];
    const value = table.value[at] ?? Number.NaN;
    const verdict = verdictOf(table, at);
    context.globalAlpha = keep[at] ? 1 : 0.15;
    if (verdict === NOT_YET) {
      awaited(context, x, y, inner, tall, paint);
      continue;
    }
    let ink = paint.quiet;
    context.fillStyle = paint.soft;
    if (Number.isFinite(value)) {
      const from = 3 * levelOf(table, value);
      const [r = 0, g = 0, b = 0] = colours.subarray(from, from + 3);
      context.fillStyle = `rgb(${r} ${g} ${b})`;
      ink = 0.2126 * r + 0.7152 * g + 0.0722 * b < 125 ? "#fff" : "#111";
    }
    context.fillRect(x, y, inner, tall);
    if (table.signed) {
      context.strokeStyle = paint.line;
      context.strokeRect(x + 0.5, y + 0.5, inner - 1, tall - 1);
    }
    if (Number.isNaN(value)) slash(context, x, y, inner, tall, paint.quiet);
    else if (wide >= PRINTED || !Number.isFinite(value)) {
      const room = edited.has(nameOf(table, at)) && wide > 20 ? inner - 14 : inner;
      context.fillStyle = ink;
      context.font = `${wide < 44 ? 10 : 11}px ${paint.font}`;
      context.fillText(printed(table, value), x + room / 2, y + tall / 2 + 1, room - 2);
    }
    mark(context, x, y, wide, standing(verdict), ink);
  }
  context.globalAlpha = 1;
  const least = (name: string) => (published.heads.has(name) ? foldSize(wide) + 2 : 0);
  badges(context, known, wide, high, paint, least);
  const seen = (name: string) => (keep[atOf(table, name)] ? 1 : 0.15);
  folds(context, published, { wide, high, seen }, paint);
  marks(context, edits, { wide, high }, paint);
}

/** What a sweep has not come to: an empty place. */
export function awaited(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  wide: number,
  high: number,
  paint: Paint,
): void {
  context.strokeStyle = paint.line;
  context.setLineDash([2, 3]);
  context.strokeRect(x + 0.5, y + 0.5, wide - 1, high - 1);
  context.setLineDash([]);
}

/** What is no number. */
export function slash(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  wide: number,
  high: number,
  ink: string,
): void {
  context.strokeStyle = ink;
  context.beginPath();
  context.moveTo(x + 2, y + high - 2);
  context.lineTo(x + wide - 2, y + 2);
  context.stroke();
}

/** A dot for a head that stands out, a ring for one that may. */
function mark(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  wide: number,
  standing: number,
  ink: string,
): void {
  if (!standing) return;
  const r = wide < 20 ? 1.5 : 2.5;
  context.beginPath();
  context.arc(x + r + 2.5, y + r + 2.5, r, 0, 2 * Math.PI);
  context.strokeStyle = context.fillStyle = ink;
  if (standing === 2) context.fill();
  else context.stroke();
}

/** Cells at least this wide have room for the first letter of each kind; others show a line. */
const LETTERS = 26;

/** What heads are known to be, at the lower edge of their cells. */
function badges(
  context: CanvasRenderingContext2D,
  known: Record<string, string[]>,
  wide: number,
  high: number,
  paint: Paint,
  taken: (head: string) => number,
): void {
  context.font = `bold 8px ${paint.font}`;
  for (const [name, kinds] of Object.entries(known)) {
    const [layer = 0, head = 0] = name.split(".").map(Number);
    const [x, low] = [GUTTER + head * wide, RULER + (layer + 1) * high - 2];
    const letters = kinds.map((kind) => kind[0]?.toUpperCase() ?? "").join("");
    const room = wide - 2 - taken(name);
    const long = wide < LETTERS ? wide - 2 : Math.min(6 * letters.length + 4, room);
    const tall = wide < LETTERS ? 2 : 9;
    context.fillStyle = paint.ink;
    context.fillRect(x, low - tall, long, tall);
    if (wide < LETTERS) continue;
    context.fillStyle = paint.surface;
    context.fillText(letters, x + long / 2, low - tall / 2 + 0.5, long - 2);
  }
}
