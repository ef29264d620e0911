// The traits of headwidgets/widgets/state.py, as the browser sees them.
// The browser may set prompt, corrupted_prompt, index, metric, edits and selection; what
// Python refuses comes back as it was, with the reason in `message`.

export interface Edit {
  kind: "zero" | "mean" | "patch" | "scale";
  /** "9.9" or "mlp 3" */
  target: string;
  at: number | string | (number | string)[] | null;
  factor?: number;
  into?: "clean" | "corrupted";
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
  if (edit.factor !== undefined) words.push(`× ${Number(edit.factor.toPrecision(6))}`);
  if (edit.kind === "patch") words.push(`into ${edit.into ?? "clean"}`);
  if (edit.at !== null && edit.at !== undefined) words.push(`at ${[edit.at].flat().join(", ")}`);
  return words.join(" ");
}
