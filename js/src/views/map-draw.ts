// How one head's map is drawn: pixels, signs for what has no colour, tokens on both axes.

import { visible } from "../card";
import { h } from "../lib/dom";
import { colour, every, type Grid, glyph, level, type Tile } from "../lib/heatmap";
import type { Window } from "./map-window";
import type { Paint } from "./paint";

export interface MapState {
  /** Exact values or an overview; in their absence a thumbnail, as RGBA. */
  grid: Grid | null;
  rough: { pixels: Uint8ClampedArray<ArrayBuffer>; edge: number } | null;
  /** Exact values of a part, drawn above an overview. */
  tile: Tile | null;
  /** What the ends of the colours mean. */
  ends: [number, number];
  signed: boolean;
  /** The first column is left out. */
  noBos: boolean;
  tokens: string[];
  /** Tokens along one axis. */
  n: number;
  /** Tokens that a search found. */
  found: ReadonlySet<number>;
  label: string;
}

/** Where the map lies on its canvas. */
export interface Frame {
  label: number;
  size: number;
}

/** A token as it is shown on an axis: its start, made visible. */
export function short(token: string, most = 11): string {
  const letters = [...visible(token)];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : letters.join("");
}

/** Makes pictures of values once, and draws the part of them that is on screen. */
export function mapDrawer() {
  const base = once(picturing());
  const part = once(picturing());
  return (
    context: CanvasRenderingContext2D,
    state: MapState,
    seen: Window,
    { label, size }: Frame,
    paint: Paint,
  ): void => {
    const { grid, rough, tile, signed, ends, n } = state;
    const table = paint.table(signed);
    const edge = grid?.edge ?? rough?.edge ?? 0;
    const picture = grid
      ? base(grid.values, edge, edge, ends, table)
      : rough && paint.picture(rough.pixels, edge);
    context.fillStyle = paint.soft;
    context.fillRect(label, label, size, size);
    context.save();
    context.beginPath();
    context.rect(label, label, size, size);
    context.clip();
    const side = size / seen.span;
    const lay = (of: HTMLCanvasElement | null, key: number, query: number, to: number) => {
      if (!of) return;
      const [x, y] = [label + (key - seen.key) * side, label + (query - seen.query) * side];
      context.drawImage(of, x, y, of.width * to * side, of.height * to * side);
    };
    const stride = n / (edge || 1); // a last block that is not whole is drawn a little wide
    context.imageSmoothingEnabled = (side * n) / edge < 1;
    lay(picture, 0, 0, grid ? Math.ceil(stride) : stride);
    context.imageSmoothingEnabled = side < 1;
    if (tile) {
      const { values, columns, rows, key, query } = tile;
      lay(part(values, columns, rows, ends, table), key, query, 1);
    }
    if (state.noBos && seen.key === 0) hatch(context, label, size, side, paint);
    if (grid && edge === n) drawGlyphs(context, grid, seen, label, side, paint);
    context.restore();
    context.strokeStyle = paint.line;
    if (signed) context.strokeRect(label + 0.5, label + 0.5, size - 1, size - 1);
    drawTokens(context, state, seen, { label, size }, paint);
  };
}

/** Makes pictures of values, all in one canvas: a new one for each would cost most of the time. */
function picturing() {
  let canvas: HTMLCanvasElement | undefined;
  let image: ImageData | undefined;
  return (
    values: Float32Array,
    width: number,
    height: number,
    ends: [number, number],
    table: Uint8Array,
  ): HTMLCanvasElement | null => {
    if (!width || !height) return null;
    if (!canvas || !image || image.width !== width || image.height !== height) {
      canvas = h("canvas", "");
      Object.assign(canvas, { width, height });
      image = new ImageData(width, height);
    }
    colour(values, ends, table, image.data);
    canvas.getContext("2d")?.putImageData(image, 0, 0);
    return canvas;
  };
}

/** Compute again only for other arguments. */
export function once<A extends unknown[], R>(make: (...args: A) => R): (...args: A) => R {
  let last: { args: A; made: R } | undefined;
  return (...args) => {
    if (!last || args.some((arg, i) => arg !== last?.args[i])) last = { args, made: make(...args) };
    return last.made;
  };
}

/** The column that is left out. */
function hatch(
  context: CanvasRenderingContext2D,
  label: number,
  size: number,
  side: number,
  paint: Paint,
): void {
  const width = Math.max(side, 3);
  context.save();
  context.beginPath();
  context.rect(label, label, width, size);
  context.clip();
  context.fillStyle = paint.soft;
  context.fillRect(label, label, width, size);
  context.strokeStyle = paint.quiet;
  context.lineWidth = 1;
  context.beginPath();
  for (let y = label - width; y < label + size; y += 6) {
    context.moveTo(label, y + width);
    context.lineTo(label + width, y);
  }
  context.stroke();
  context.restore();
}

/** What has no colour gets a sign, where there is room for one. */
function drawGlyphs(
  context: CanvasRenderingContext2D,
  { edge, values }: Grid,
  seen: Window,
  label: number,
  side: number,
  paint: Paint,
): void {
  if (side < 9) return;
  context.font = `${Math.min(13, Math.floor(side * 0.7))}px ${paint.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = "#fff";
  for (let query = seen.query; query < seen.query + seen.span; query++) {
    for (let key = seen.key; key < seen.key + seen.span; key++) {
      const value = values[query * edge + key] ?? 0;
      if (level(value, [0, 1]) >= 0) continue;
      const [x, y] = [key - seen.key + 0.5, query - seen.query + 0.5];
      context.fillText(glyph(value), label + x * side, label + y * side);
    }
  }
}

function drawTokens(
  context: CanvasRenderingContext2D,
  { tokens, found }: MapState,
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
