// What the succession lab is told: see headwidgets/widgets/succession_data.py.

import type { Looked } from "../lib/session";
import { decode } from "../lib/wire";

export interface Asked {
  set: string;
  variant: string;
  member: string;
  residue: number;
  strength: number;
}

interface Packed {
  error?: string;
  array?: unknown;
  data?: DataView;
}

export interface Scores extends Packed {
  variants: string[];
  /** The variant by which the kind "successor" is scored. */
  kind?: string;
  /** Why a variant cannot be asked. */
  why: Record<string, string>;
  null: Record<string, Record<string, number>>;
  /** Why the scores of a variant say nothing; "" if they do. */
  doubt?: Record<string, string>;
  sets: [string, number][];
  n: number;
  shape: [number, number];
  best: string;
}

export interface Matrix extends Packed {
  head: string;
  set: string;
  variant: string;
  members: string[];
  /** Of each member which one is next; -1 for none. */
  following: number[];
  /** A set, and its share in each variant. */
  bars: [string, ...(number | null)[]][];
  /** How many edits of the set end where they should, or why none can be made. */
  edits?: Partial<Edits> & { why?: string };
}

export interface Edits {
  right: number;
  n: number;
  /** Of those that ask for no carry and no wrap. */
  right_within: number;
  n_within: number;
  /** What the paper says of the set. */
  paper: string | null;
}

export interface Slide extends Packed {
  head: string;
  set: string;
  variant: string;
  member: string;
  residue: number;
  members: string[];
  wanted: string;
  own: number;
  strengths: number[];
}

export interface Case {
  prompt: number;
  position: number;
  effect: number;
  next: string;
  class: string;
  because: string;
  runner_up: string;
  runner_up_effect: number;
  tokens: string[];
  shares: number[];
}

export interface Share {
  class: string;
  n: number;
  share: number | null;
  low: number | null;
  high: number | null;
  paper: number | null;
}

export interface Cases {
  head: string;
  n: number;
  wins: number;
  texts: number;
  /** How many of the winning cases are sent. */
  listed?: number;
  of: string;
  shares: Share[];
  rows: Case[];
}

/** What the lab reads of the session. */
export interface Labs extends Looked {
  lab: Asked;
  lab_scores: Partial<Scores>;
  lab_matrix: Partial<Matrix>;
  lab_slide: Partial<Slide>;
  lab_cases: Partial<Cases>;
}

export const VARIANTS: Record<string, string> = {
  raw: "MLP0(W_E)",
  normed: "MLP0(LN(W_E))",
  "head-normed": "MLP0(LN(W_E)), head's norm",
  stream: "W_E + MLP0(LN(W_E)), head's norm",
};

/** The numbers of a part, row after row; none where it has an error. */
export function values(part: Packed): Float32Array {
  if (!part.array || !part.data) return new Float32Array();
  return decode(part.array, part.data).data as Float32Array;
}

/** Heads by their score in a variant, the best first: name, and where they stand. */
export function ranked(scores: Scores, table: Float32Array, variant: string) {
  const size = scores.shape[0] * scores.shape[1];
  const from = 3 * size * scores.variants.indexOf(variant);
  const score = (place: number) => table[from + place] ?? 0;
  return [...Array(size).keys()]
    .sort((a, b) => score(b) - score(a) || a - b)
    .map((place) => ({
      place,
      head: `${Math.floor(place / scores.shape[1])}.${place % scores.shape[1]}`,
    }));
}

/** One number of a head: column 0 is micro, 1 macro, 2 copying. */
export function scoreOf(
  scores: Scores,
  table: Float32Array,
  variant: string,
  column: number,
  place: number,
): number {
  const size = scores.shape[0] * scores.shape[1];
  const at = 3 * scores.variants.indexOf(variant) + column;
  return table[at * size + place] ?? Number.NaN;
}

/** How often the next member comes first, and the member itself, in a matrix. */
export function firsts({ following = [] }: Partial<Matrix>, table: Float32Array) {
  const n = following.length;
  const tops = following.map((_, row) => top(table.subarray(row * n, row * n + n)));
  const asked = following.filter((after) => after >= 0).length;
  return {
    tops,
    next: tops.filter((at, row) => at === following[row]).length,
    itself: tops.filter((at, row) => at === row).length,
    asked,
  };
}

/** Where the largest value is; -1 where several are. */
export function top(row: Float32Array): number {
  let at = 0;
  let alone = true;
  for (let i = 1; i < row.length; i++) {
    const [value, most] = [row[i] ?? 0, row[at] ?? 0];
    if (value > most) [at, alone] = [i, true];
    else if (value === most) alone = false;
  }
  return alone ? at : -1;
}

/** A share with two digits; nothing is a dash. */
export const two = (value: number | null | undefined): string =>
  value === null || value === undefined || Number.isNaN(value) ? "–" : value.toFixed(2);
