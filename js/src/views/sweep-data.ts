// A sweep of the patch panel as the browser has it; see headwidgets/widgets/panel_sweep.py.

import { visible } from "../card";
import { words } from "../lib/heatmap";
import { decode, type Header } from "../lib/wire";
import { type Edit, say } from "../state";

export interface Place {
  at: number | string;
  token: string;
}
export interface Found {
  sweep?: "patch" | "zero" | "mean" | "resample";
  over?: "heads" | "heads x positions" | "positions x layers";
  direction?: "denoise" | "noise";
  at?: Edit["at"];
  edit?: string;
  metric?: string;
  unit?: string;
  measured_on?: string;
  incomplete?: string;
  note?: string;
  layers?: number;
  heads?: number;
  places?: Place[];
  arrays?: Header[];
}

/** Numbers by edit, in Python's order: by layer, then head, then place. */
export interface Swept {
  found: Found;
  effect: Float32Array;
  normalised: Float32Array;
  low: Float32Array;
  high: Float32Array;
  done: Uint8Array;
  signed: true;
  ends: [number, number];
}

/** Read a sweep; null where there is none. */
export function readSwept(found: Found, data: DataView): Swept | null {
  const [numbers, flags] = found?.arrays ?? [];
  if (!numbers || !flags) return null;
  const [, size = 0] = numbers.shape;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const all = decode(numbers, bytes.subarray(0, 16 * size)).data as Float32Array;
  const done = decode(flags, bytes.subarray(16 * size)).data as Uint8Array;
  const column = (i: number) => all.subarray(i * size, (i + 1) * size);
  const effect = column(0);
  const most = effect.reduce((a, b) => (Number.isFinite(b) ? Math.max(a, Math.abs(b)) : a), 0) || 1;
  return {
    ...{ found, effect, done, signed: true, ends: [-most, most] },
    ...{ normalised: column(1), low: column(2), high: column(3) },
  };
}

/** The part of a sweep that is on screen: rows and columns, and each cell's place in it. */
export interface Sheet {
  rows: number;
  columns: number;
  /** Of its first cell. */
  from: number;
  layer: number;
}

/** Layers × heads, layers × places, or the heads of one layer × places. */
export function sheet({ found }: Swept, layer: number): Sheet {
  const { layers = 0, heads = 0, places = [] } = found;
  if (found.over === "heads") return { rows: layers, columns: heads, from: 0, layer: 0 };
  const [all, columns] = [found.over === "positions x layers", places.length];
  if (all) return { rows: layers, columns, from: 0, layer: 0 };
  return { rows: heads, columns, from: layer * heads * columns, layer };
}

/** Which layer to look at: the one at work, at the end the one of the strongest effect. */
export function layerOf({ found, effect, done }: Swept, before: number): number {
  const { layers = 1, incomplete } = found;
  const size = effect.length / layers;
  if (!incomplete) return Math.floor(strongest(effect) / size);
  for (let layer = 0; layer < layers; layer++) {
    const part = done.subarray(layer * size, (layer + 1) * size);
    if (part.includes(1) && part.includes(0)) return layer;
  }
  return before;
}

/** Where the effect is farthest from zero. */
export function strongest(effect: Float32Array): number {
  let best = 0;
  effect.forEach((value, i) => {
    if (Math.abs(value) > Math.abs(effect[best] || 0)) best = i;
  });
  return best;
}

/** The edit that a place of the table stands for. */
export function editOf({ sweep = "zero", ...found }: Found, i: number): Edit {
  const { layers = 1, heads = 1, places = [], over } = found;
  const perPlace = over === "heads" ? 1 : places.length;
  const unit = Math.floor(i / perPlace);
  const stream = over === "positions x layers";
  const edit: Edit = {
    kind: sweep,
    target: stream ? `resid ${unit % layers}` : `${Math.floor(unit / heads)}.${unit % heads}`,
    at: over === "heads" ? (found.at ?? null) : (places[i % perPlace]?.at ?? null),
  };
  if (sweep === "patch") edit.into = found.direction === "noise" ? "clean" : "corrupted";
  if (sweep === "resample") edit.seed = 0;
  return edit;
}

/** Whether an edit is among others. */
export function among(edits: Edit[], edit: Edit): boolean {
  return edits.some((other) => say(other) === say(edit));
}

/** A place in words. */
export function placeWords({ places = [], over }: Found, i: number): string {
  if (over === "heads") return "";
  const { at = "", token = "" } = places[i % places.length] ?? {};
  return ` at ${at}${token && ` ${visible(token)}`}`;
}

/** What a cell is and holds, in words. */
export function cellWords(swept: Swept, i: number): string {
  const { target } = editOf(swept.found, i);
  const name = `${/^\d/.test(target) ? "head " : ""}${target}${placeWords(swept.found, i)}`;
  if (!swept.done[i]) return `${name}: not measured yet`;
  const get = (column: Float32Array) => column[i] ?? Number.NaN;
  const unit = swept.found.unit ? ` ${swept.found.unit}` : "";
  const out = [`${name}: ${words(get(swept.effect))}${unit}`];
  if (Number.isFinite(get(swept.low) + get(swept.high))) {
    out.push(`95 % ${words(get(swept.low))} to ${words(get(swept.high))}`);
  }
  if (Number.isFinite(get(swept.normalised))) {
    out.push(`normalised ${words(get(swept.normalised))}`);
  }
  return out.join(", ");
}
