// The kinds of head and what was found of them; the other half of headwidgets/widgets/roles*.py.

import { decode } from "../lib/wire";

/** A card of headwidgets/taxonomy/registry.py, with its formula as MathML. */
export interface Card {
  name: string;
  title: string;
  stage: string;
  category: string;
  definition: string;
  formula: string;
  math: string;
  words: string;
  data: string;
  unit: string;
  null: string;
  threshold: number;
  threshold_origin: string;
  threshold_note: string;
  evidence: string;
  source: string;
  proof: string;
  proof_task: string;
  proof_sign: number;
  traps: string[];
  claim: string;
  shares: string;
  aliases: string[];
}

/** A head of a kind. */
export interface Best {
  head: string;
  score: number | null;
  se: number | null;
  p: number | null;
  verdict: string;
  reason: string;
}

/** What was measured of one kind. */
export interface Found {
  /** In the arrays. */
  row: number;
  measurable: boolean;
  /** Why it is not. */
  reason: string;
  null_max: number | null;
  n: number;
  accuracy: number | null;
  measured_on: string;
  edits: string;
  stale: boolean;
  counts: Record<string, number>;
  best: Best[];
}

export interface Proof {
  kind: string;
  head: string;
  share: number | null;
  p: number | null;
  n: number;
  passed: boolean;
  reason: string;
  stale: boolean;
}

export interface RolesHeader {
  arrays?: { shape: number[]; dtype: string }[];
  verdicts?: string[];
  kinds?: Record<string, Found>;
  proofs?: Proof[];
}

export interface Roles {
  kinds: Record<string, Found>;
  proofs: Proof[];
  verdicts: string[];
  layers: number;
  heads: number;
  score: ArrayLike<number>;
  p: ArrayLike<number>;
  /** Codes: where in `verdicts`. */
  verdict: ArrayLike<number>;
}

export const [CONSISTENT, CANDIDATE, NO] = ["consistent with", "candidate", "no"] as const;
export const NOT_MEASURABLE = "not measurable here";
export const NOT_YET = "not measured yet";
export const VERDICTS = [CONSISTENT, CANDIDATE, NO, NOT_MEASURABLE, NOT_YET];
const MARKS = ["●", "○", "·", "–", "…"];

/** A verdict's glyph. */
export const markOf = (verdict: string): string => MARKS[VERDICTS.indexOf(verdict)] ?? "";

const BYTES: Record<string, number> = { float32: 4, float16: 2, uint8: 1 };

/** Read what Python's `pack` wrote; with nothing measured, nothing is in it. */
export function readRoles(header: RolesHeader, data: DataView): Roles {
  const { kinds = {}, proofs = [], verdicts = [] } = header ?? {};
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  let start = 0;
  const found = (header?.arrays ?? []).map((one) => {
    const size = one.shape.reduce((a, b) => a * b, 1) * (BYTES[one.dtype] ?? 0);
    start += size;
    return decode(one, bytes.subarray(start - size, start));
  });
  const [, layers = 0, heads = 0] = found[0]?.shape ?? [];
  const [score, p, verdict] = found.map((one) => one.data);
  return {
    ...{ kinds, proofs, verdicts, layers, heads },
    ...{ score: score ?? [], p: p ?? [], verdict: verdict ?? [] },
  };
}

/** What a kind is in this model: the best verdict that a head has, or why there is none. */
export function standing(found: Found | undefined): string {
  if (!found) return NOT_YET;
  if (!found.measurable) return NOT_MEASURABLE;
  return VERDICTS.find((word) => found.counts[word]) ?? NO;
}

/** What one head is as one kind. */
export interface Entry {
  kind: string;
  found: Found;
  score: number;
  p: number;
  verdict: string;
}

/** All that is known of a head, the best verdict first; kinds that were not measured are left out. */
export function passport(roles: Roles, head: string): Entry[] {
  const at = placeOf(roles, head);
  if (at < 0) return [];
  const size = roles.layers * roles.heads;
  const entries = Object.entries(roles.kinds).map(([kind, found]) => {
    const i = found.row * size + at;
    const verdict = roles.verdicts[roles.verdict[i] ?? 0] ?? "";
    const [score = Number.NaN, p = Number.NaN] = [roles.score[i], roles.p[i]];
    return { kind, found, score, p, verdict };
  });
  const rank = ({ verdict }: Entry) => VERDICTS.indexOf(verdict);
  return entries.sort((a, b) => rank(a) - rank(b));
}

function placeOf({ layers, heads }: Roles, name: string): number {
  const [layer = -1, head = -1] = name ? name.split(".").map(Number) : [];
  return layer >= 0 && layer < layers && head < heads ? layer * heads + head : -1;
}

/** How many heads of some kinds stand in each layer: consistent with one, and candidates. */
export function depth(roles: Roles, kinds: string[]): [number, number][] {
  const size = roles.layers * roles.heads;
  const best = new Uint8Array(size);
  const codes = [CANDIDATE, CONSISTENT].map((word) => roles.verdicts.indexOf(word));
  for (const kind of kinds) {
    const row = roles.kinds[kind]?.row;
    if (row === undefined) continue;
    for (let at = 0; at < size; at++) {
      const level = codes.indexOf(roles.verdict[row * size + at] ?? -1) + 1;
      if (level > (best[at] ?? 0)) best[at] = level;
    }
  }
  return Array.from({ length: roles.layers }, (_, layer) => {
    const mine = best.subarray(layer * roles.heads, (layer + 1) * roles.heads);
    const count = (level: number) => mine.reduce((sum, one) => sum + Number(one === level), 0);
    return [count(2), count(1)];
  });
}

/** Sums over the first, middle and last third: the layers below n/3, below 2n/3, the others. */
export function thirds(layers: [number, number][]): number[] {
  const out = [0, 0, 0];
  layers.forEach(([consistent, candidates], layer) => {
    const third = Math.floor((3 * layer) / layers.length);
    out[third] = (out[third] ?? 0) + consistent + candidates;
  });
  return out;
}

export interface Wanted {
  stage: string;
  evidence: string;
  verdict: string;
  text: string;
}

/** The kinds that a filter keeps. */
export function kept(cards: Card[], roles: Roles, wanted: Wanted): Card[] {
  const text = wanted.text.trim().toLowerCase();
  const head = /^\d+\.\d+$/.test(text)
    ? new Set(
        passport(roles, text)
          .filter(({ verdict }) => verdict === CONSISTENT || verdict === CANDIDATE)
          .map(({ kind }) => kind),
      )
    : null;
  return cards.filter((card) => {
    if (wanted.stage && card.stage !== wanted.stage) return false;
    if (wanted.evidence && card.evidence !== wanted.evidence) return false;
    if (wanted.verdict && standing(roles.kinds[card.name]) !== wanted.verdict) return false;
    if (head) return head.has(card.name);
    const { title, definition, category, words, data, source, aliases } = card;
    const all = [card.name, title, definition, category, words, data, source, ...aliases];
    return !text || all.join(" ").toLowerCase().includes(text);
  });
}

/** A number as it stands on a card. */
export function number(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  const places = size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 || size < 0.0005 ? 2 : 3;
  return value
    .toFixed(places)
    .replace(/^-0\.0+$/, (zero) => zero.slice(1))
    .replace("-", "−");
}

/** A share of draws. */
export const pOf = (p: number | null | undefined): string =>
  p === null || p === undefined || Number.isNaN(p) ? "–" : p.toFixed(3);

/** A kind with its best head in a sentence, for those who do not see the card. */
export function spoken(card: Card, found: Found | undefined): string {
  const best = found?.best[0];
  const numbers = best
    ? `head ${best.head}, ${number(best.score)}, null ${number(found?.null_max)}, p ${pOf(best.p)}`
    : (found?.reason ?? "");
  const old = found?.stale ? "before your edit" : "";
  const about = [`${card.evidence} evidence`, card.claim, card.category];
  return [card.name, standing(found), numbers, old, ...about].filter(Boolean).join(", ");
}
