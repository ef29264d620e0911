// The traits of headwidgets/widgets/state.py, as the browser sees them.
// The browser may set prompt, corrupted_prompt, index, metric, edits and selection; what
// Python refuses comes back as it was, with the reason in `message`.

/** The kinds that a click can make: they need nothing but a head. */
export const TOGGLES = ["zero", "mean", "patch", "scale"] as const;

export interface Edit {
  kind: (typeof TOGGLES)[number] | "resample" | "add" | "subtract" | "keep" | "path";
  /** "9.9", "mlp 3", "resid 5"; of a keep and a path, heads: "9.6, 9.9" */
  target: string;
  at: number | string | (number | string)[] | null;
  /** Of a scale; of an add, the strength. */
  factor?: number;
  into?: "clean" | "corrupted";
  /** Of a resample: which prompt gives to which. */
  seed?: number;
  /** Of an add and a subtract; the vector is base64 of float32. */
  direction?: { vector: string; target: string; name: string; how: string };
  /** Of a path: where it ends, "logits" or "9.9.k, 9.9.q". */
  receivers?: string;
  /** Of a subtract: what the component along the direction becomes. */
  to?: "zero" | "mean" | "patch";
}

export type Status = "ready" | "busy" | "error";

export interface State {
  prompt: string | number[];
  corrupted_prompt: string | number[] | null;
  index: number;
  n_prompts: number;
  /** "4.11", or "" */
  selection: string;
  edits: Edit[];
  metric: Record<string, unknown> | null;
  model: Record<string, unknown>;
  tokens: string[];
  status: Status;
  message: string;
  progress: number;
  revision: number;
}

/** An edit as a person would say it; the same words as `str(edit)` in Python. */
export function say(edit: Edit): string {
  const words: string[] = [edit.kind, edit.target];
  if (edit.receivers) words.push(`→ ${edit.receivers}`);
  if (edit.factor !== undefined) words.push(`× ${Number(edit.factor.toPrecision(6))}`);
  if (edit.direction) words.push(edit.direction.name);
  if (edit.to) words.push(`to ${edit.to}`);
  if (edit.seed) words.push(`seed ${edit.seed}`);
  if (["patch", "path"].includes(edit.kind) || edit.to === "patch")
    words.push(`into ${edit.into ?? "clean"}`);
  if (edit.at !== null && edit.at !== undefined) words.push(`at ${[edit.at].flat().join(", ")}`);
  return words.join(" ");
}

/** The heads that an edit names: one, or those that a keep keeps, or a path begins at. */
export function headsOf({ target }: Edit): string[] {
  return /^\d/.test(target) ? target.split(", ") : [];
}
