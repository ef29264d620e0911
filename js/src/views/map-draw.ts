// How one head's map is drawn: its pixels, and signs for what has no colour.

import { type Grid, glyph, level, type Tile } from "../lib/heatmap";
import type { Axes } from "./map-axes";
import { raster, type Source } from "./map-pixels";
import type { Window } from "./map-window";
import type { Paint } from "./paint";

export interface MapState extends Axes {
  /** Exact values or an overview. */
  grid: Grid | null;
  /** In their absence a thumbnail, as entries of the table of colours. */
  rough: { bytes: Uint8Array; edge: number } | null;
  /** Exact values of a part, drawn above an overview. */
  tile: Tile | null;
  /** What the ends of the colours mean. */
  ends: [number, number];
  signed: boolean;
  /** The first column is left out. */
  noBos: boolean;
  /** Tokens along one axis. */
  n: number;
  label: string;
}

/** Where the map lies in its element. */
export interface Frame {
  label: number;
  size: number;
}

/** Draws the part of a map that is on screen, pixel by pixel of the screen. */
export function mapDrawer() {
  let image: ImageData | undefined; // kept: a new one for each map would cost as much as drawing
  return (
    context: CanvasRenderingContext2D,
    state: MapState,
    seen: Window,
    size: number,
    paint: Paint,
  ): void => {
    const edge = context.canvas.width;
    if (!edge) return;
    if (image?.width !== edge) image = new ImageData(edge, edge);
    const pixels = new Uint32Array(image.data.buffer);
    const inks = paint.inks(state.signed);
    const shown = layers(state);
    for (const { source, ends } of shown) {
      raster(source, seen, edge, { inks, ends, signed: state.signed }, pixels);
    }
    if (shown.length) context.putImageData(image, 0, 0);
    else context.clearRect(0, 0, size, size);
    const side = size / seen.span;
    const { grid } = state;
    if (state.noBos && seen.key === 0) hatch(context, size, side, paint);
    if (grid && grid.edge === state.n) drawGlyphs(context, grid, seen, side, paint);
    context.strokeStyle = paint.line;
    if (state.signed) context.strokeRect(0.5, 0.5, size - 1, size - 1);
  };
}

/** What is drawn, the last above the others. */
function layers({ grid, rough, tile, ends, n }: MapState) {
  const out: { source: Source; ends: [number, number] }[] = [];
  if (grid) {
    const { values, edge, causal } = grid;
    const stride = Math.ceil(n / edge);
    const place = { rows: edge, columns: edge, query: 0, key: 0, stride, causal };
    out.push({ source: { values, ...place }, ends });
    if (tile) out.push({ source: { ...tile, stride: 1 }, ends });
  } else if (rough) {
    const { bytes, edge } = rough;
    const place = { rows: edge, columns: edge, query: 0, key: 0, stride: n / edge };
    out.push({ source: { values: Float32Array.from(bytes), ...place }, ends: [0, 255] });
  }
  return out;
}

/** The column that is left out. */
function hatch(context: CanvasRenderingContext2D, size: number, side: number, paint: Paint): void {
  const width = Math.max(side, 3);
  context.save();
  context.beginPath();
  context.rect(0, 0, width, size);
  context.clip();
  context.fillStyle = paint.soft;
  context.fillRect(0, 0, width, size);
  context.strokeStyle = paint.quiet;
  context.lineWidth = 1;
  context.beginPath();
  for (let y = -width; y < size; y += 6) {
    context.moveTo(0, y + width);
    context.lineTo(width, y);
  }
  context.stroke();
  context.restore();
}

/** What has no colour gets a sign, where there is room for one. */
function drawGlyphs(
  context: CanvasRenderingContext2D,
  { edge, values }: Grid,
  seen: Window,
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
      context.fillText(glyph(value), x * side, y * side);
    }
  }
}
