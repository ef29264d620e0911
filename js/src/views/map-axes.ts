// The tokens on both axes of a map.

import { visible } from "../card";
import { every } from "../lib/heatmap";
import type { Frame } from "./map-draw";
import type { Window } from "./map-window";
import type { Paint } from "./paint";

export interface Axes {
  tokens: string[];
  /** Tokens that a search found. */
  found: ReadonlySet<number>;
}

/** A token as it is shown on an axis: its start, made visible. */
export function short(token: string, most = 11): string {
  const letters = [...visible(token)];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : letters.join("");
}

/** Write the tokens of the window on both axes; what a search found is marked. */
export function drawAxes(
  context: CanvasRenderingContext2D,
  { tokens, found }: Axes,
  seen: Window,
  { label, size }: Frame,
  paint: Paint,
): void {
  context.textBaseline = "middle";
  const side = size / seen.span;
  const step = every(seen.span, size);
  const room = label - 8;
  const few = found.size * 24 < size;
  const write = (at: number, from: number, down: boolean, text: boolean) => {
    const middle = label + (at - from + 0.5) * side;
    const is = found.has(at);
    context.fillStyle = is ? paint.pick : paint.ink;
    context.font = `${is ? "bold " : ""}11px ${paint.font}`;
    context.save();
    if (down) {
      context.textAlign = "right";
      context.translate(label - 5, middle);
    } else {
      context.textAlign = "left";
      context.translate(middle, label - 5);
      context.rotate(-Math.PI / 2);
    }
    if (text) context.fillText(short(tokens[at] ?? String(at)), 0, 0, room);
    if (is) context.fillRect(down ? 1 : 0, -Math.max(side, 2) / 2, 3, Math.max(side, 2));
    context.restore();
  };
  for (const [from, down] of [
    [seen.query, true],
    [seen.key, false],
  ] as const) {
    for (let i = 0; i < seen.span; i++) {
      const text = i % step === 0;
      if (text || found.has(from + i)) write(from + i, from, down, text || few);
    }
  }
  context.font = `10px ${paint.font}`;
  context.fillStyle = paint.quiet;
  context.textAlign = "left";
  context.fillText("key →", 2, 8);
  context.fillText("query ↓", 2, 22);
}
