// All heads as thumbnails of their attention.

import { colourBytes, GUTTER, type layout, RULER, type Thumbs, thumbOf } from "../lib/heatmap";
import type { Edit } from "../state";
import { cellGrid } from "./cell-grid";
import { marks } from "./cell-marks";
import type { Paint } from "./paint";

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
  let state: HeadsState | undefined;
  const pointed = (head: string) => {
    canvas.title = head && state ? `head ${state.name(head)}` : "";
    point(head);
  };
  const { element, canvas, draw: drawCells } = cellGrid({ pick, point: pointed, selects: true });
  signal.addEventListener("abort", () => element.remove(), { once: true });

  function draw(next: HeadsState, at: ReturnType<typeof layout>, paint: Paint): void {
    state = next;
    element.style.width = `${at.gridWidth}px`;
    const { layers, heads, selection, edits, thumbs, signed, name } = next;
    const size = { wide: at.cell, high: at.cell };
    drawCells(
      {
        ...{ layers, heads, selection, ...size },
        of: [thumbs, signed, JSON.stringify(edits)],
        spoken: (head) => {
          const mine = edits.filter(({ target }) => target === head).map(({ kind }) => kind);
          return [`head ${name(head)}`, ...mine].join(", ");
        },
        picture: (context) => {
          drawThumbs(context, next, at.cell, paint);
          marks(context, edits, size, paint);
        },
      },
      paint,
    );
  }
  return { element, draw };
}

function drawThumbs(
  context: CanvasRenderingContext2D,
  { thumbs, signed, layers, heads }: HeadsState,
  side: number,
  paint: Paint,
): void {
  const inner = side - 2;
  context.strokeStyle = paint.line;
  for (let layer = 0; layer < layers; layer++) {
    for (let head = 0; head < heads; head++) {
      const [x, y] = [GUTTER + head * side, RULER + layer * side];
      context.fillStyle = paint.soft;
      context.fillRect(x, y, inner, inner);
      if (!thumbs || layer >= thumbs.layers || head >= thumbs.heads) continue;
      const pixels = colourBytes(thumbOf(thumbs, layer, head), paint.inks(signed));
      const picture = paint.picture(pixels, thumbs.edge);
      context.imageSmoothingEnabled = thumbs.edge > inner;
      if (picture) context.drawImage(picture, x, y, inner, inner);
      if (signed) context.strokeRect(x + 0.5, y + 0.5, inner - 1, inner - 1);
    }
  }
}
