// From numbers to pixels and words, without a DOM: what the attention view draws.

import type { MapPicture, Picture } from "./session";
import { decode } from "./wire";

/** One head's values, square, row by row; `bound` is the largest error of a value. */
export interface Grid {
  edge: number;
  values: Float32Array;
  bound: number;
  /** Whether everything above the diagonal is zero. */
  causal: boolean;
  /** Values of the same limits, but for zeros: the two ends, or all that was sent. */
  extent: Float32Array;
}

/** Exact values of a part of a long map, from (query, key) on. */
export interface Tile {
  query: number;
  key: number;
  rows: number;
  columns: number;
  values: Float32Array;
  bound: number;
}

export interface Thumbs {
  layers: number;
  heads: number;
  edge: number;
  bytes: Uint8Array;
}

/** Read a map; a causal one comes without its empty half. */
export function readMap(header: MapPicture, data: DataView): Grid | null {
  if (!header.array) return null;
  const { data: sent, shape, bound, extent } = decode(header.array, data);
  const edge = header.causal ? Math.ceil((header.n ?? 0) / (header.stride ?? 1)) : (shape[0] ?? 0);
  const values = new Float32Array(edge * edge);
  if (header.causal) {
    for (let q = 0, from = 0; q < edge; from += ++q) {
      values.set(sent.subarray(from, from + q + 1), q * edge);
    }
  } else values.set(sent.subarray(0, values.length));
  const ends = extent ? Float32Array.of(...extent) : (sent as Float32Array);
  return { edge, values, bound, causal: Boolean(header.causal), extent: ends };
}

/** Read the answer to a request for a tile. */
export function readTile(body: Record<string, unknown>, data: DataView | undefined): Tile {
  const { data: values, shape, bound } = decode(body.array, data ?? new ArrayBuffer(0));
  const [rows = 0, columns = 0] = shape;
  const [query, key] = [Number(body.query), Number(body.key)];
  return { query, key, rows, columns, values: values as Float32Array, bound };
}

export function readThumbs(header: Picture, data: DataView): Thumbs | null {
  if (!header.array) return null;
  const { data: sent, shape } = decode(header.array, data);
  const [layers = 0, heads = 0, side = 0] = shape;
  const edge = header.edge ?? side;
  const bytes = header.causal
    ? unfold(sent as Uint8Array, layers * heads, edge, header.signed ? ZERO : 0)
    : (sent as Uint8Array);
  return { layers, heads, edge, bytes };
}

/** The entry of a signed thumbnail that means zero. */
const ZERO = 128;

/** Lower triangles, one after the other, as squares. */
function unfold(sent: Uint8Array, count: number, edge: number, empty: number): Uint8Array {
  const out = new Uint8Array(count * edge * edge).fill(empty);
  for (let row = 0, from = 0; row < count * edge; row++) {
    const long = (row % edge) + 1;
    out.set(sent.subarray(from, from + long), row * edge);
    from += long;
  }
  return out;
}

/** Where a head's thumbnail lies among the bytes. */
export function thumbOf(thumbs: Thumbs, layer: number, head: number): Uint8Array {
  const size = thumbs.edge ** 2;
  const from = (layer * thumbs.heads + head) * size;
  return thumbs.bytes.subarray(from, from + size);
}

/** What the ends of the colours mean: 0 to 1 or wider, or what is there; signed: ± the largest. */
export function limits(values: Float32Array, signed: boolean, fitted = false): [number, number] {
  let low = 0;
  let high = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number; // NaN is neither
    if (value > high && value !== Number.POSITIVE_INFINITY) high = value;
    else if (value < low && value !== Number.NEGATIVE_INFINITY) low = value;
  }
  if (!signed) return [low, fitted ? high || 1 : Math.max(high, 1)];
  const most = Math.max(-low, high) || 1;
  return [-most, most];
}

/** The entry of the table for a value; -1 for what is not finite. */
export function level(value: number, [low, high]: [number, number]): number {
  if (!Number.isFinite(value)) return -1;
  if (low === -high) return Math.round(128 + (127 * value) / high);
  return Math.round((255 * (value - low)) / (high - low));
}

/** Colour bytes as RGBA, entry by entry. */
export function colourBytes(bytes: Uint8Array, inks: Uint32Array): Uint8ClampedArray<ArrayBuffer> {
  const out = Uint32Array.from(bytes, (entry) => inks[entry] ?? 0);
  return new Uint8ClampedArray(out.buffer);
}

/** A table as whole pixels, in this machine's byte order; the last one is grey. */
export function packed(table: Uint8Array): Uint32Array {
  const pixels = new Uint8Array(4 * 257).fill(255);
  for (let i = 0; i < 257; i++) {
    pixels.set(i < 256 ? table.subarray(3 * i, 3 * i + 3) : [128, 128, 128], 4 * i);
  }
  return new Uint32Array(pixels.buffer);
}

/** The glyph of a value that has no colour. */
export function glyph(value: number): string {
  return Number.isNaN(value) ? "?" : value > 0 ? "+∞" : "−∞";
}

/** A value as a person reads it. */
export function words(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "not a number" : glyph(value);
  const size = Math.abs(value);
  const text = size !== 0 && size < 0.001 ? value.toExponential(1) : value.toFixed(3);
  return text.replace("-", "−");
}

/** A float32 with as many digits as tell it from every other. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return words(value);
  let text = "";
  for (let count = 1; count < 10; count++) {
    text = value.toPrecision(count);
    if (Math.fround(Number(text)) === value) break;
  }
  return String(Number(text)).replaceAll("-", "−");
}

/** The positions of the largest values of a row (signed: farthest from zero), first first. */
export function strongest(row: Float32Array, count: number, signed: boolean): number[] {
  const size = (i: number) => (signed ? Math.abs(row[i] ?? 0) : (row[i] ?? 0));
  const most: number[] = [];
  for (let i = 0; i < row.length; i++) {
    const least = most[count - 1];
    if (!Number.isFinite(row[i]) || row[i] === 0) continue;
    if (least !== undefined && size(i) <= size(least)) continue;
    let at = most.length;
    while (at > 0 && size(most[at - 1] as number) < size(i)) at--;
    most.splice(at, 0, i);
    most.length = Math.min(most.length, count);
  }
  return most;
}

/** Where everything goes at a width in pixels; `letters` is the length of the longest label. */
export function layout(width: number, layers: number, heads: number, tokens: number, letters = 11) {
  const wide = width >= 720;
  const room = wide ? Math.min(480, Math.floor(width * 0.42)) : width;
  const cell = Math.max(14, Math.min(64, Math.floor((room - GUTTER - 2) / Math.max(heads, 1))));
  const gridWidth = Math.min(room, GUTTER + cell * heads + 2);
  const gridHeight = RULER + cell * layers + 2;
  const label = Math.max(52, Math.min(width >= 480 ? 92 : 72, Math.ceil(12 + 6.8 * letters)));
  const left = width - (wide ? gridWidth + 28 : 0) - label - 4;
  const size = Math.max(160, Math.min(520, left, Math.max(240, tokens * 44)));
  return { wide, room, cell, gridWidth, gridHeight, label, size };
}

/** Space for the layers' and the heads' numbers. */
export const GUTTER = 24;
export const RULER = 18;

/** Every how many tokens a label fits. */
export function every(tokens: number, size: number, line = 12): number {
  return Math.max(1, Math.ceil((tokens * line) / size));
}
