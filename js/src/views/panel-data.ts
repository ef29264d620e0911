// What the patch panel reads and sets, and what it works out without a DOM.

import { clean, corrupted } from "../../../headwidgets/widgets/glossary.json";
import type { Look } from "../lib/session";
import { type Edit, type State, say } from "../state";
import type { Found } from "./sweep-data";

export type Which = "clean" | "corrupted" | "edited";
export const RUNS: readonly Which[] = ["clean", "corrupted", "edited"];
/** The glossary's words for the two prompts. */
export const MEANS = { clean, corrupted };

/** One likely token of a run; `change` is the edited run's, [logit, probability]. */
export interface Top {
  id: number;
  token: string;
  logit: number | null;
  p: number | null;
  change: [number | null, number | null];
}
export interface Row {
  value: number | null;
  low: number | null;
  high: number | null;
  n: number;
  note: string;
}
export interface Effect {
  revision?: number;
  rows?: Record<string, Row>;
  metric?: string;
  unit?: string;
  mean?: string;
  error?: string;
}
/** See headwidgets/widgets/panel_product.py. */
export interface Panel {
  revision?: number;
  top?: Record<Which, Top[]>;
  why?: string;
  waiting?: string[];
  tokens?: { clean: Strip; corrupted?: Strip };
  first?: number | null;
  python?: string;
  error?: string;
}
export interface Strip {
  n: number;
  pieces: string[];
  /** Positions of tokens that training never saw. */
  unseen: number[];
}
export interface Traits extends State {
  edit_kind: Edit["kind"];
  panel: Panel;
  effect: Effect;
}
export interface Off {
  at: number;
  edit: Edit;
}
export interface OwnTraits {
  off: Off[];
  continued: { revision?: number; clean?: string; edited?: string };
  /** This panel's name. */
  panel: string;
  found: Found;
  found_data: DataView;
  found_stale: boolean;
}
export type Seen = Look<Traits>;
export type OwnLook = Look<OwnTraits>;

/** An edit of the list, switched on or off. */
export interface Item {
  edit: Edit;
  on: boolean;
}

/** The list as it is shown: what is off keeps its place. */
export function listed(edits: Edit[], off: Off[]): Item[] {
  const out: Item[] = edits.map((edit) => ({ edit, on: true }));
  for (const { at, edit } of [...off].sort((a, b) => a.at - b.at)) {
    out.splice(Math.min(at, out.length), 0, { edit, on: false });
  }
  return out;
}

/** The list as it is kept: what is on is the session's, what is off the panel's. */
export function kept(items: Item[]): { edits: Edit[]; off: Off[] } {
  const off = items.flatMap(({ edit, on }, at) => (on ? [] : [{ at, edit }]));
  return { edits: items.filter(({ on }) => on).map(({ edit }) => edit), off };
}

/** Read a head of the model, [layer, head]; null if it is none. */
function headOf(text: string, layers: number, heads: number): [number, number] | null {
  const found = /^\s*L?(\d+)\s*[.,H]\s*(\d+)\s*$/i.exec(text);
  const [layer, head] = [Number(found?.[1]), Number(found?.[2])];
  return layer < layers && head < heads ? [layer, head] : null;
}

/** Read heads, each once, in order; an Error says what was expected. */
export function keptHeads(text: string, layers: number, heads: number): string {
  const found = text
    .split(/[\s,;]+/)
    .filter(Boolean)
    .map((one) => headOf(one, layers, heads));
  const there = found.filter((one) => one !== null).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  if (!there.length || there.length < found.length) {
    const last = `${layers - 1}.${heads - 1}`;
    throw new Error(`expected one or more heads to keep, 0.0 to ${last}, such as 0.0, ${last}`);
  }
  return [...new Set(there.map((one) => one.join(".")))].join(", ");
}

/** Read what is to be edited; an Error says what was expected. */
export function target(text: string, layers: number, heads: number): string {
  const head = headOf(text, layers, heads);
  if (head) return head.join(".");
  const other = /^\s*(mlp|resid)[ _.]?(\d+)\s*$/i.exec(text);
  const [, part = "", layer = ""] = other ?? [];
  const last = part.toLowerCase() === "mlp" ? layers - 1 : layers;
  if (part && Number(layer) <= last) return `${part.toLowerCase()} ${Number(layer)}`;
  throw new Error(
    `expected a head 0.0 to ${layers - 1}.${heads - 1}, an MLP such as mlp 0, or the residual ` +
      "stream that a layer reads, such as resid 0",
  );
}

/** What is below is rounding, and printed as zero. */
const NOISE = 1e-12;

/** A number as it is printed; a change has its sign. */
export function said(value: number | null | undefined, digits = 3, signed = false): string {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value) < NOISE ? 0 : Math.abs(value);
  const text =
    size !== 0 && size < 0.5 * 10 ** -digits ? size.toExponential(0) : size.toFixed(digits);
  const sign = value < 0 && Number(text) !== 0 ? "−" : signed ? "+" : "";
  return sign + text;
}

/** Half of an interval, in words. */
export function spread(row: Row): string {
  if (row.high === null || row.value === null) return "";
  return ` ± ${said(row.high - row.value)}`;
}

const LOGITS = "logits";

/** What a metric is counted in, where its name does not say so. */
export function unitOf({ metric = "", unit = "" }: { metric?: string; unit?: string }): string {
  return unit && !metric.toLowerCase().includes(unit.replace(/s$/, "")) ? ` ${unit}` : "";
}

/** A metric by its name, and what it is counted in. */
export function counted(of: { metric?: string; unit?: string }): string {
  const unit = unitOf(of);
  return `${of.metric ?? ""}${unit && `, in${unit}`}`;
}

/** What the edits do, in a sentence. */
export function sentence(panel: Panel, effect: Effect, edits: Edit[]): string {
  if (panel.error ?? effect.error) return String(panel.error ?? effect.error);
  if (panel.why) return panel.why;
  const rows = effect.rows;
  const change = rows?.change;
  if (!rows || !change || change.value === null) return "";
  const what = edits.length === 1 && edits[0] ? say(edits[0]) : `${edits.length} edits`;
  const moved = Math.abs(change.value) < 1e-6;
  const pair = change.n < 2 && (effect.unit ?? LOGITS) === LOGITS;
  const mean = change.n > 1 ? "the mean of the metric" : "the metric";
  const alike = pair ? "answer and foil move alike" : `${mean} does not`;
  if (moved) return `${what}: logits move, ${alike}`;
  const [from, to] = [(rows.edited?.value ?? 0) - change.value, rows.edited?.value];
  const whole = rows.normalised;
  const normal =
    whole && whole.value !== null
      ? `normalised ${said(whole.value)}${spread(whole)}`
      : `no normalised effect: ${whole?.note ?? ""}`;
  return `${what}: ${said(change.value, 3, true)}${spread(change)}${unitOf(effect)}, from ${said(from)} to ${said(to)}; ${normal}`;
}

/** How much of two texts is the same, in characters. */
export function shared(a: string, b: string): number {
  const [x, y] = [[...a], [...b]];
  const at = x.findIndex((c, i) => c !== y[i]);
  return (at < 0 ? x : x.slice(0, at)).join("").length;
}
