// What the emergence lab is told: see headwidgets/widgets/emergence_data.py.

import { decode, type NdArray } from "../lib/wire";

export interface LookAt {
  run: string;
  condition: string;
  /** -1: the latest checkpoint. */
  step: number;
  head: string;
  measure: "loss" | "accuracy";
  /** "all": every part of the line that is looked at; else one part of every line. */
  part: string;
  time: "log" | "linear";
}

interface Packed {
  array: unknown;
  data: DataView;
}

export interface Held {
  held: string[];
  /** The only head of layer 2 that works. */
  head: number | null;
  /** The heads of layer 1 that "previous token" holds; null: all. */
  previous: number[] | null;
  /** Activations that are clamped otherwise. */
  others: string[];
}

export interface Run {
  name: string;
  data: string;
  conditions: string[];
  live: boolean;
  state: "finished" | "ready" | "running" | "paused" | "done" | "cancelled" | "failed";
  why: string;
  step: number;
  steps: number;
  batch: number;
  rate: number;
  seeds: number[];
  labels: number;
  shape: [number, number];
  /** Whether sequences are two exemplars with their labels, one of which comes again. */
  pairs: boolean;
  roles: string[];
  measured: number[];
  checkpoints: number[];
  /** Steps whose weights are there. */
  weights: number[];
  parts: string[];
  clamps: Record<string, Held>;
  switched: { step: number; conditions: string[]; words: string }[];
  /** [condition, part, loss or accuracy, measured step] */
  curves?: Packed;
  /** [condition, layer, measured step, head] */
  heads?: Packed;
  /** [checkpoint, condition, layer, head, query, key] */
  patterns?: Packed;
}

export interface Lab {
  look: LookAt;
  settled: Record<string, Run>;
  moving: Record<string, Run>;
  order: string[];
  shipped: string[];
  opened: { run?: string; condition?: string; step?: number; clamped?: boolean };
  message: string;
}

export const LATEST = -1;
export const ALL = "all";
export const PARTS = ["train", "new classes", "new exemplars", "relabelled"];
/** Losses at which the plateau is left, and at which the phase change is over. */
export const LEFT = 0.9 * Math.LN2;
export const LEARNED = 0.4 * Math.LN2;

const decoded = new WeakMap<Packed, NdArray>();

/** An array of a run; decoded once. */
export function arrayOf(packed: Packed | undefined): NdArray | undefined {
  if (!packed) return undefined;
  const made = decoded.get(packed) ?? decode(packed.array, packed.data);
  decoded.set(packed, made);
  return made;
}

/** All runs in their order. */
export function runsOf(order: string[], settled: Lab["settled"], moving: Lab["moving"]): Run[] {
  return order.flatMap((name) => moving[name] ?? settled[name] ?? []);
}

/** One condition of one run. */
export interface Line {
  run: Run;
  condition: string;
  k: number;
  /** What it is called beside the others. */
  label: string;
  /** Its place among all lines, which is its colour. */
  place: number;
}

export function linesOf(runs: Run[]): Line[] {
  const all = runs.flatMap((run) => run.conditions.map((condition, k) => ({ run, condition, k })));
  const named = new Map<string, number>();
  for (const { condition } of all) named.set(condition, (named.get(condition) ?? 0) + 1);
  return all.map((line, place) => {
    const { name, conditions } = line.run;
    const twice = (named.get(line.condition) ?? 0) > 1;
    const alone = conditions.length === 1;
    const label = alone ? name : twice ? `${name}: ${line.condition}` : line.condition;
    return { ...line, label, place };
  });
}

/** The line of that name, else the run's first, else the first. */
export const lineOf = (lines: Line[], run: string, condition: string): Line =>
  (lines.find((one) => one.run.name === run && one.condition === condition) ??
    lines.find((one) => one.run.name === run) ??
    lines[0]) as Line;

export const keyOf = ({ run, condition }: Line): string => `${run.name}|${condition}`;

/** Whether the clamps of a line can still be switched. */
export const trains = ({ run }: Line): boolean =>
  run.live && run.state !== "done" && run.state !== "failed";

/** The strongest head of the last layer, as measured last; "" before that. */
export function strongest(line: Line): string {
  if (!line.run.measured.length) return "";
  const [, strengths] = tilesAt(line, line.run.steps);
  return `${line.run.shape[0] - 1}.${Math.max(0, most(strengths))}`;
}

/** Which checkpoint a step means: the last that is not later. */
export function placeOf(checkpoints: number[], step: number): number {
  if (step === LATEST) return checkpoints.length - 1;
  let place = 0;
  for (let i = 0; i < checkpoints.length; i++) if ((checkpoints[i] ?? 0) <= step) place = i;
  return place;
}

/** Values of a part over the measured steps. */
export function curve(line: Line, part: string, measure: LookAt["measure"]): Float32Array {
  const array = arrayOf(line.run.curves);
  const at = line.run.parts.indexOf(part);
  if (!array || at < 0) return new Float32Array();
  const [, parts = 0, both = 0, n = 0] = array.shape;
  const start = ((line.k * parts + at) * both + (measure === "loss" ? 0 : 1)) * n;
  return array.data.subarray(start, start + n) as Float32Array;
}

/** What heads of the first (0) or the last layer (1) do over the measured steps, a row a step. */
export function headCurve(line: Line, row: number, head: number): Float32Array {
  const array = arrayOf(line.run.heads);
  if (!array) return new Float32Array();
  const [, rows = 0, n = 0, heads = 0] = array.shape;
  const start = (line.k * rows + row) * n * heads;
  return Float32Array.from(
    { length: n },
    (_, i) => array.data[start + i * heads + head] ?? Number.NaN,
  );
}

/** What the heads do, as measured nearest to a step: [previous-token scores, strengths]. */
export function tilesAt(line: Line, step: number): [Float32Array, Float32Array] {
  const array = arrayOf(line.run.heads);
  if (!array) return [new Float32Array(), new Float32Array()];
  const [, rows = 0, n = 0, heads = 0] = array.shape;
  const at = nearest(line.run.measured, step);
  const row = (i: number) => {
    const start = ((line.k * rows + i) * n + at) * heads;
    return array.data.subarray(start, start + heads) as Float32Array;
  };
  return [row(0), row(1)];
}

/** One head's attention at a checkpoint, row by row, and how far off a value may be. */
export function mapAt(line: Line, place: number, head: string) {
  const array = arrayOf(line.run.patterns);
  if (!array || place < 0) return { values: new Float32Array(), n: 0, bound: 0 };
  const [, conditions = 0, layers = 0, heads = 0, n = 0] = array.shape;
  const [layer = 0, number = 0] = head.split(".").map(Number);
  const at = ((place * conditions + line.k) * layers + layer) * heads + number;
  const values = array.data.subarray(at * n * n, (at + 1) * n * n) as Float32Array;
  return { values, n, bound: array.bound };
}

/** After how many sequences the train loss is below a value; NaN: never, or no pairs are shown. */
export function firstBelow(line: Line, loss: number): number {
  if (!line.run.pairs) return Number.NaN;
  const at = curve(line, "train", "loss").findIndex((value) => value < loss);
  return at < 0 ? Number.NaN : (line.run.measured[at] ?? 0) * line.run.batch;
}

/** The place of the largest value; -1 for none. */
export function most(values: Float32Array): number {
  let best = -1;
  values.forEach((value, i) => {
    if (Number.isFinite(value) && !(value <= (values[best] ?? Number.NEGATIVE_INFINITY))) best = i;
  });
  return best;
}

/** The measured step nearest to a number of steps. */
export function nearest(steps: number[], to: number): number {
  let best = 0;
  steps.forEach((step, i) => {
    if (Math.abs(step - to) < Math.abs((steps[best] ?? 0) - to)) best = i;
  });
  return best;
}

/** A number with so many digits, a true minus, and no minus before 0. */
const fixed = (value: number | undefined, digits: number): string =>
  value === undefined || !Number.isFinite(value)
    ? "–"
    : value
        .toFixed(digits)
        .replace(/^-(?=[0.]*$)/, "")
        .replace("-", "−");

export const two = (value: number | undefined): string => fixed(value, 2);

export const four = (value: number | undefined): string => fixed(value, 4);

export const many = (value: number): string => Math.round(value).toLocaleString("en-US");
