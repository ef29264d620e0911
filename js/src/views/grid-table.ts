// A table of heads as the browser has it; the other half of headwidgets/widgets/grid_table.py.

import { words } from "../lib/heatmap";
import { type Published, spokenClaims } from "../lib/published";
import { decode, type NdArray } from "../lib/wire";
import { type Edit, headsOf } from "../state";

export interface TableHeader {
  column?: string;
  columns?: string[];
  arrays?: { shape: number[]; dtype: string }[];
  verdicts?: string[];
  reasons?: string[];
  signed?: boolean;
  title?: string;
  says?: string;
  evidence?: string;
  unit?: string;
  measured_on?: string;
  metric?: string;
  edit?: string;
  mean?: string;
  threshold?: number;
  /** Of a sweep that runs, or was stopped: how much of it is there. */
  incomplete?: string;
  notes?: string[];
  revision?: number;
}

export interface Table {
  header: TableHeader;
  layers: number;
  heads: number;
  signed: boolean;
  value: Float32Array;
  /** value, p, null_mean, normalised, low, high: those that there are. */
  columns: Map<string, Float32Array>;
  verdict: NdArray["data"];
  reason: NdArray["data"];
  ends: [number, number];
}

const BYTES: Record<string, number> = { float32: 4, int32: 4, uint8: 1 };

/** Read what Python's `pack` wrote; null where there is nothing. */
export function readTable(header: TableHeader, data: DataView): Table | null {
  if (!header?.arrays?.length) return null;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  let start = 0;
  const [floats, verdict, reason] = header.arrays.map((one) => {
    const size = one.shape.reduce((a, b) => a * b, 1) * (BYTES[one.dtype] ?? 0);
    start += size;
    return decode(one, bytes.subarray(start - size, start));
  });
  if (!floats || !verdict || !reason) throw new Error("a table of heads has three arrays");
  const [, layers = 0, heads = 0] = floats.shape;
  const size = layers * heads;
  const all = floats.data as Float32Array;
  const columns = new Map(
    header.columns?.map((name, i) => [name, all.subarray(i * size, (i + 1) * size)]),
  );
  const value = columns.get("value") ?? new Float32Array(size).fill(Number.NaN);
  const signed = Boolean(header.signed);
  return {
    ...{ header, layers, heads, signed, value, columns },
    ...{ verdict: verdict.data, reason: reason.data, ends: ends(value, signed) },
  };
}

/** What the ends of the colours mean: 0 to the largest; signed: ± the largest. */
function ends(values: Float32Array, signed: boolean): [number, number] {
  let most = 0;
  for (const value of values) {
    if (Number.isFinite(value)) most = Math.max(most, Math.abs(value));
  }
  most ||= 1;
  return [signed ? -most : 0, most];
}

type Scale = Pick<Table, "ends" | "signed">;

/** Where a value's colour stands, 0 to 255; signed: zero at 128. */
export function levelOf({ ends: [low, high], signed }: Scale, value: number): number {
  const part = (value - low) / (high - low);
  return Math.round(signed ? 128 + 127 * (2 * part - 1) : 255 * Math.max(0, part));
}

export const nameOf = (table: Table, at: number): string =>
  `${Math.floor(at / table.heads)}.${at % table.heads}`;

/** Where a head's name stands in the table; -1 for no head of it. */
export function atOf({ layers, heads }: Table, name: string): number {
  const [layer = -1, head = -1] = name ? name.split(".").map(Number) : [];
  return layer >= 0 && layer < layers && head < heads ? layer * heads + head : -1;
}

export const verdictOf = (table: Table, at: number): string =>
  table.header.verdicts?.[table.verdict[at] ?? 0] ?? "";

/** The word for a cell that a sweep has not come to. */
export const NOT_YET = "not measured yet";

/** Whether a head stands out: 2 clearly, 1 perhaps, 0 not. */
export function standing(verdict: string): number {
  if (verdict === "consistent with" || verdict === "clear of zero") return 2;
  return verdict === "candidate" ? 1 : 0;
}

/** A head's reason, its numbers put back. */
export function reasonOf(table: Table, at: number): string {
  const text = table.header.reasons?.[table.reason[at] ?? 0] ?? "";
  const p = table.columns.get("p")?.[at] ?? Number.NaN;
  const put = (name: string, by: string) => (words: string) => words.split(name).join(by);
  return put("{p}", p.toFixed(3))(put("{value}", (table.value[at] ?? 0).toFixed(3))(text));
}

/** The heads that a filter keeps: by name ("9." or "9.6"), verdict or reason. */
export function filtered(table: Table, find: string, only: string): Uint8Array {
  const keep = new Uint8Array(table.value.length).fill(1);
  const text = find.trim().toLowerCase();
  if (!text && !only) return keep;
  const byName = /^\d+(\.\d*)?$/.test(text);
  for (let at = 0; at < keep.length; at++) {
    const verdict = verdictOf(table, at);
    const name = nameOf(table, at);
    const found = byName
      ? text.includes(".") && !text.endsWith(".")
        ? name === text
        : name.startsWith(text.endsWith(".") ? text : `${text}.`)
      : `${verdict} ${reasonOf(table, at)}`.toLowerCase().includes(text);
    keep[at] = Number(found && (!only || verdict === only));
  }
  return keep;
}

/** The kept heads, those farthest from zero first; what is no number last. */
export function ranked(table: Table, keep: Uint8Array): number[] {
  const size = (at: number) => {
    const value = table.value[at] ?? Number.NaN;
    if (Number.isNaN(value)) return Number.NEGATIVE_INFINITY;
    return table.signed ? Math.abs(value) : value;
  };
  const out: number[] = [];
  keep.forEach((kept, at) => {
    if (kept) out.push(at);
  });
  return out.sort((a, b) => (size(b) > size(a) ? 1 : size(b) < size(a) ? -1 : a - b));
}

/** A number in at most six characters. */
export function short(value: number): string {
  if (Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  const text =
    size < 5e-7
      ? "0"
      : size < 0.01 || size >= 1000
        ? value.toExponential(0)
        : size >= 100
          ? value.toFixed(0)
          : value.toFixed(2);
  return text.replace("-", "−");
}

/** A value as it stands in its cell: as many decimals as the largest needs, "0" where none is left. */
export function printed({ ends }: Pick<Scale, "ends">, value: number): string {
  const most = Math.floor(Math.log10(ends[1]));
  const places = Math.max(0, (most < 0 ? 1 : 2) - most);
  if (!Number.isFinite(value) || places > 5 || most > 5) return short(value);
  const text = value.toFixed(places);
  return Number(text) ? text.replace("-", "−") : "0";
}

/** Of heads such as "9.6", the kinds that they are consistent with. */
export type Badges = Record<string, string[]>;

/** What there is to say of heads besides their row. */
export interface Known {
  edits: Edit[];
  badges?: Badges;
  published: Published;
}

/** A head in words, for a screen reader. */
export function spoken(
  table: Table,
  name: string,
  { edits, badges = {}, published }: Known,
): string {
  const at = atOf(table, name);
  const mine = edits.filter((edit) => headsOf(edit).includes(name)).map((edit) => edit.kind);
  const verdict = verdictOf(table, at);
  const value = verdict === NOT_YET ? "" : words(table.value[at] ?? Number.NaN);
  const known = badges[name] ? `known as ${badges[name].join(" and ")}` : "";
  const cited = spokenClaims(published, name);
  return [`head ${name}`, value, verdict, ...mine, known, cited].filter(Boolean).join(", ");
}
