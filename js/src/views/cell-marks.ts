// What stands around and upon the cells of a grid: the numbers of layers and heads, and the
// glyphs of edits.

import { GUTTER, RULER } from "../lib/heatmap";
import type { Edit } from "../state";
import type { Paint } from "./paint";

export const GLYPHS: Record<Edit["kind"], string> = {
  zero: "⊘",
  mean: "μ",
  patch: "⇄",
  scale: "×",
};

interface Size {
  wide: number;
  high: number;
}

/** The numbers of heads above, of layers beside; text stays centred on where it is put. */
export function rulers(
  context: CanvasRenderingContext2D,
  { layers, heads, wide, high }: Size & { layers: number; heads: number },
  paint: Paint,
): void {
  context.font = `11px ${paint.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = paint.quiet;
  for (let i = 0; i < heads; i += Math.ceil(18 / wide)) {
    context.fillText(String(i), GUTTER + (i + 0.5) * wide - 1, RULER / 2);
  }
  for (let i = 0; i < layers; i += Math.ceil(13 / high)) {
    context.fillText(String(i), GUTTER / 2, RULER + (i + 0.5) * high);
  }
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
  for (const { target, kind } of edits) {
    const [layer, head] = target.split(".").map(Number);
    if (layer === undefined || head === undefined || Number.isNaN(layer)) continue;
    const [x, y] = [GUTTER + (head + 1) * wide - 3 - side, RULER + layer * high + 1];
    context.fillStyle = paint.surface;
    context.fillRect(x, y, side, tall);
    context.fillStyle = paint.ink;
    context.fillText(GLYPHS[kind], x + side / 2, y + tall / 2 + 0.5);
  }
}
