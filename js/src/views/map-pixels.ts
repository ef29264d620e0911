// A window of values as pixels of the screen, without a DOM. Where a pixel holds several
// values it shows the largest (signed: the farthest from zero), so that a sharp line stays
// sharp on a small map; scaling a picture would fade it into its neighbours.

import { type Cuts, type Largest, type Numbers, ofAny, ofPositive, ofSigned } from "./map-largest";
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
  const { columns, rows, stride, causal } = source;
  const across = cuts(seen.key - source.key, seen.span, edge, stride, columns);
  const down = cuts(seen.query - source.query, seen.span, edge, stride, rows);
  const largest = scale.signed ? ofSigned : scale.ends[0] < 0 ? ofAny : ofPositive;
  const all = largest.view(source.values);
  const row = largest.view(new Float32Array(columns));
  const values = new Float32Array(edge);
  const cells = largest.view(values);
  let above = -1; // the last line that was painted
  for (let y = 0; y < edge; y++) {
    const [from, to] = [down.from[y] as number, down.to[y] as number];
    if (from >= to) continue;
    if (above >= 0 && down.from[above] === from && down.to[above] === to) {
      const start = above * edge;
      pixels.copyWithin(y * edge + across.first, start + across.first, start + across.end);
    } else {
      let end = across.end;
      if (causal) while (end > across.first && (across.from[end - 1] as number) >= to) end--;
      const reach = end ? (across.to[end - 1] as number) : 0; // beyond it all are zero
      const most = largestOfRows(all, columns, from, to, largest, row.subarray(0, reach));
      largest.cells(most, across, end, cells);
      ink(values, across, end, scale, pixels, y * edge);
    }
    above = y;
  }
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
  values: Numbers,
  columns: number,
  from: number,
  to: number,
  largest: Largest,
  into: Numbers,
): Numbers {
  const row = (at: number) => values.subarray(at * columns, at * columns + into.length);
  if (to === from + 1) return row(from);
  largest.rows(row(from), row(from + 1), row(Math.min(from + 2, to - 1)), into);
  for (let at = from + 3; at < to; at++) largest.rows(into, into, row(at), into);
  return into;
}

/** Colour a line of pixels; from `reach` on all are zero. */
function ink(
  values: Float32Array,
  { first, end }: Cuts,
  reach: number,
  { inks, ends: [low, high] }: Scale,
  pixels: Uint32Array,
  start: number,
): void {
  // the same entries as `level`, in one multiplication
  const by = low === -high ? 127 / high : 255 / (high - low);
  const zero = (low === -high ? 128 : -low * by) + 0.5;
  const grey = inks[256] as number;
  for (let x = first; x < reach; x++) {
    const entry = (values[x] as number) * by + zero;
    pixels[start + x] = entry >= 0 && entry < 256 ? (inks[entry | 0] as number) : grey;
  }
  pixels.fill(inks[zero | 0] as number, start + reach, start + end);
}
