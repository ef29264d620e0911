// A window of values as pixels of the screen, without a DOM. Where a pixel holds several
// values it shows the largest (signed: the farthest from zero), so that a sharp line stays
// sharp on a small map; scaling a picture would fade it into its neighbours.

import type { Window } from "./map-window";

/** Values of a part of a map, row by row; each stands for `stride` × `stride` tokens. */
export interface Source {
  values: Float32Array;
  rows: number;
  columns: number;
  /** The token that the first row and the first column begin at. */
  query: number;
  key: number;
  stride: number;
  /** Whether everything above the diagonal is zero: then it is not looked at. */
  causal?: boolean;
}

/** Colours as whole pixels, the last one for what is not finite, and what their ends mean. */
export interface Scale {
  inks: Uint32Array;
  ends: readonly [number, number];
  signed: boolean;
}

/** Paint the window on `edge` × `edge` pixels; where `source` holds nothing they stay. */
export function raster(
  source: Source,
  seen: Window,
  edge: number,
  scale: Scale,
  pixels: Uint32Array,
): void {
  const { columns, rows, stride } = source;
  const across = cuts(seen.key - source.key, seen.span, edge, stride, columns);
  const down = cuts(seen.query - source.query, seen.span, edge, stride, rows);
  const row = new Float32Array(columns);
  let above = -1; // the last line that was painted
  for (let y = 0; y < edge; y++) {
    const [from, to] = [down.from[y] as number, down.to[y] as number];
    if (from >= to) continue;
    if (above >= 0 && down.from[above] === from && down.to[above] === to) {
      const start = above * edge;
      pixels.copyWithin(y * edge + across.first, start + across.first, start + across.end);
    } else {
      const most = largestOfRows(source, from, to, scale.signed, row);
      line(most, across, source.causal ? to : columns, scale, pixels, y * edge);
    }
    above = y;
  }
}

/** Which values each pixel of an axis shows, [from, to); the pixels that show any, [first, end). */
interface Cuts {
  from: Int32Array;
  to: Int32Array;
  first: number;
  end: number;
}

function cuts(start: number, span: number, edge: number, stride: number, count: number): Cuts {
  const [from, to] = [new Int32Array(edge), new Int32Array(edge)];
  let [first, end] = [edge, 0];
  for (let i = 0; i < edge; i++) {
    const at = Math.floor((start + (i * span) / edge) / stride);
    const next = (start + ((i + 1) * span) / edge) / stride;
    from[i] = Math.max(0, at);
    to[i] = Math.min(count, Math.max(at + 1, i + 1 < edge ? Math.floor(next) : Math.ceil(next)));
    if ((from[i] as number) >= (to[i] as number)) continue;
    first = Math.min(first, i);
    end = i + 1;
  }
  return { from, to, first, end };
}

/** The largest of some rows, column by column; `into` is where there are several. */
function largestOfRows(
  { values, columns }: Source,
  from: number,
  to: number,
  signed: boolean,
  into: Float32Array,
): Float32Array {
  const row = (at: number) => values.subarray(at * columns, (at + 1) * columns);
  if (to === from + 1) return row(from);
  if (signed) into.set(row(from));
  else largerOf(row(from), row(from + 1), row(Math.min(from + 2, to - 1)), into);
  for (let at = from + (signed ? 1 : 3); at < to; at++) {
    if (signed) fartherOf(row(at), into);
    else largerOf(into, into, row(at), into);
  }
  return into;
}

// These run over a million values for one picture, so each is a plain loop: `Math.max` keeps
// what is no number, and costs no branch.

function largerOf(a: Float32Array, b: Float32Array, c: Float32Array, into: Float32Array): void {
  for (let i = 0; i < into.length; i++) {
    into[i] = Math.max(Math.max(a[i] as number, b[i] as number), c[i] as number);
  }
}

function fartherOf(row: Float32Array, into: Float32Array): void {
  for (let i = 0; i < into.length; i++) {
    const [value, was] = [row[i] as number, into[i] as number];
    if (!Number.isNaN(was) && !(Math.abs(value) <= Math.abs(was))) into[i] = value;
  }
}

/** The largest of the values from `from` to before `to`; signed: the farthest from zero. */
function largest(values: Float32Array, from: number, to: number, signed: boolean): number {
  let high = values[from] as number;
  if (to === from + 2) high = Math.max(high, values[from + 1] as number);
  else for (let i = from + 1; i < to; i++) high = Math.max(high, values[i] as number);
  if (!signed) return high;
  let low = values[from] as number;
  for (let i = from + 1; i < to; i++) low = Math.min(low, values[i] as number);
  return -low > high ? low : high;
}

/** Paint a line of pixels; beyond the first `reach` values all are zero. */
function line(
  values: Float32Array,
  { from, to, first, end }: Cuts,
  reach: number,
  { inks, ends: [low, high], signed }: Scale,
  pixels: Uint32Array,
  start: number,
): void {
  // the same entries as `level`, in one multiplication
  const by = low === -high ? 127 / high : 255 / (high - low);
  const zero = (low === -high ? 128 : -low * by) + 0.5;
  const grey = inks[256] as number;
  let x = first;
  for (; x < end && (from[x] as number) < reach; x++) {
    const most = largest(values, from[x] as number, to[x] as number, signed);
    const entry = most * by + zero;
    pixels[start + x] = entry >= 0 && entry < 256 ? (inks[entry | 0] as number) : grey;
  }
  pixels.fill(inks[zero | 0] as number, start + x, start + end);
}
