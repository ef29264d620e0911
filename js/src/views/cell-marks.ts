// What stands around and upon the cells of a grid: the numbers of layers and heads, and the
// glyphs of edits.

import { GUTTER, RULER } from "../lib/heatmap";
import { type Edit, headsOf } from "../state";
import type { Paint } from "./paint";

export const GLYPHS: Record<Edit["kind"], string> = {
  zero: "⊘",
  mean: "μ",
  patch: "⇄",
  scale: "×",
  resample: "↻",
  add: "+",
  subtract: "−",
  keep: "◆",
  path: "→",
};

interface Rows {
  layers: number;
  heads: number;
  above?: { words: string[]; high: number };
}

interface Size {
  wide: number;
  high: number;
}

/** The numbers of heads above, of layers beside; text stays centred on where it is put. */
export function rulers(
  context: CanvasRenderingContext2D,
  { layers, heads, wide, high, above }: Size & Rows,
  paint: Paint,
): void {
  context.font = `11px ${paint.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = paint.quiet;
  for (let i = 0; i < heads; i += Math.ceil((above ? 13 : 18) / wide)) {
    if (above) upwards(context, above.words[i] ?? "", GUTTER + (i + 0.5) * wide, above.high - 5);
    else context.fillText(String(i), GUTTER + (i + 0.5) * wide - 1, RULER / 2);
  }
  for (let i = 0; i < layers; i += Math.ceil(13 / high)) {
    context.fillText(String(i), GUTTER / 2, (above?.high ?? RULER) + (i + 0.5) * high);
  }
}

/** A word written from below to above. */
function upwards(context: CanvasRenderingContext2D, word: string, x: number, y: number): void {
  context.save();
  context.translate(x, y);
  context.rotate(-Math.PI / 2);
  context.textAlign = "left";
  context.fillText(word, 0, 0);
  context.restore();
}

/** The edits of heads, each as a glyph in the corner of its cell. */
export function marks(
  context: CanvasRenderingContext2D,
  edits: Edit[],
  { wide, high }: Size,
  paint: Paint,
): void {
  const side = wide < 20 ? wide - 2 : 14;
  const tall = Math.min(side, high - 3);
  context.font = `bold ${Math.min(12, side + 1)}px ${paint.font}`;
  for (const [name, kind] of edits.flatMap((edit) =>
    headsOf(edit).map((head) => [head, edit.kind] as const),
  )) {
    const [layer = 0, head = 0] = name.split(".").map(Number);
    const [x, y] = [GUTTER + (head + 1) * wide - 3 - side, RULER + layer * high + 1];
    context.fillStyle = paint.surface;
    context.fillRect(x, y, side, tall);
    context.fillStyle = paint.ink;
    context.fillText(GLYPHS[kind], x + side / 2, y + tall / 2 + 0.5);
  }
}
