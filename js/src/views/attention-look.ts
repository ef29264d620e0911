// What is asked for, what of it is here, and what is to be said of the numbers on screen.

import { visible } from "../card";
import { type Grid, strongest, type Tile, words } from "../lib/heatmap";
import type { Look, Run } from "../lib/session";
import type { Place } from "./map";
import { short } from "./map-axes";

export const STRONGEST = 5;

/** What is asked for, and whether the map that is here is it. */
export function look(session: Look) {
  const map = session.get("map") ?? {};
  const thumbs = session.get("thumbs") ?? {};
  const { n_layers: layers, n_heads: heads } = session.get("model") ?? {};
  const head = session.get("selection") || "0.0";
  const run: Run = session.get("run") ?? "clean";
  const weighting = session.get("weighting") ?? "raw";
  const over = session.get("over") ?? "pair";
  const revision = session.get("revision");
  const same = (of: typeof map) => of.run === run && (of.over ?? "pair") === over;
  return {
    ...{ map, thumbs, head, run, weighting, over, revision },
    ...{ layers: Number(layers ?? 0), heads: Number(heads ?? 0) },
    exact: map.head === head && same(map) && (map.weighting ?? "raw") === weighting,
    current: map.revision === revision,
    small:
      same(thumbs) &&
      thumbs.revision === revision &&
      (thumbs.weighting ?? "raw") === (weighting === "no bos" ? "no bos" : "raw"),
  };
}

/** All that is known of what is on screen. */
export type Seen = ReturnType<typeof look> & {
  grid: Grid | null;
  tile: Tile | null;
  n: number;
  tokens: string[];
  signed: boolean;
  why: string;
};

export function nameOf(session: Look, head: string): string {
  const [layer = 0, index = 0] = head.split(".").map(Number);
  const name = session.get("names")?.[layer * Number(session.get("model").n_heads) + index];
  return name ? `${head} ${visible(name)}` : head;
}

export function said({ tokens }: Pick<Seen, "tokens">, at: number): string {
  return `${at} “${short(tokens[at] ?? "", 24)}”`;
}

/** The value at a place as the pictures hold it, the largest of how many, and its error. */
export function valueAt({ grid, tile, map, weighting }: Seen, { query, key }: Place) {
  if (weighting === "no bos" && key === 0) return null;
  if (tile) {
    const [row, column] = [query - tile.query, key - tile.key];
    if (row >= 0 && column >= 0 && row < tile.rows && column < tile.columns) {
      const value = tile.values[row * tile.columns + column] ?? Number.NaN;
      return { value, stride: 1, bound: tile.bound };
    }
  }
  if (!grid) return null;
  const stride = map.stride ?? 1;
  const [q, k] = [Math.floor(query / stride), Math.floor(key / stride)];
  return { value: grid.values[q * grid.edge + k] ?? Number.NaN, stride, bound: grid.bound };
}

/** What is under the crosshair, in a line; `exact` is Python's own number. */
export function sentence(seen: Seen, place: Place | null, exact: string | null): string {
  if (!place) return "";
  const where = `${said(seen, place.query)} → ${said(seen, place.key)}`;
  if (seen.weighting === "no bos" && place.key === 0) return `${where}: left out`;
  if (exact !== null) return `${where}: ${exact}`;
  const found = valueAt(seen, place);
  if (!found) return where;
  const { value, stride, bound } = found;
  if (stride > 1) return `${where}: ${words(value)} (largest of ${stride} × ${stride})`;
  return `${where}: ${words(value)}${bound ? ` ± ${bound.toPrecision(1)}` : ""}`;
}

export interface Strong {
  key: number;
  value: number;
}

/** The strongest keys of a query. */
export function strongestKeys(seen: Seen, query: number): Strong[] {
  const { grid, map } = seen;
  if (!grid || seen.why || query < 0) return [];
  const stride = map.stride ?? 1;
  const from = Math.floor(query / stride) * grid.edge;
  const row = grid.values.subarray(from, from + grid.edge);
  return strongest(row, STRONGEST, seen.signed).map((at) => ({
    key: at * stride,
    value: row[at] ?? 0,
  }));
}

/** What the list of the strongest keys is of. */
export function heading(seen: Seen, query: number, pinned: boolean): string {
  const verb = seen.signed
    ? "changes most at"
    : seen.weighting === "value"
      ? "takes most from"
      : "looks at";
  return `${pinned ? "pinned" : "last token"}: ${said(seen, query)} ${verb}`;
}

/** What is to be known of the map's numbers: [what, is it a badge]. */
export function notes(seen: Seen, silence: string): [string, boolean][] {
  const { map, grid, n, exact } = seen;
  if (seen.why) return [];
  const out: [string, boolean][] = [];
  const stride = map.stride ?? 1;
  if (map.of && exact) out.push([map.of, false]);
  if (map.prompts && exact) out.push([`mean of ${map.prompts} prompts`, false]);
  if (!grid) {
    out.push([`thumbnail, enlarged; ${silence || "every value is on its way"}`, true]);
  }
  if (!seen.current) out.push(["before your edit", true]);
  if (seen.weighting === "value") out.push(["A · ‖v W_O‖", false]);
  if (seen.weighting === "no bos") out.push(["first token left out, the rest as it is", false]);
  if (grid && seen.tile) out.push([`every value in sight, ± ${err(seen.tile.bound)}`, false]);
  else if (grid && stride > 1) {
    const size = n.toLocaleString("en");
    out.push([`1 of ${stride} × ${stride} of ${size} × ${size} pixels, the largest`, false]);
  } else if (grid) out.push([`every value, ± ${err(grid.bound)}`, false]);
  return out;
}

const err = (bound: number) => (bound ? bound.toPrecision(1) : "0");

/** What the thumbnails are, where they are not simply small maps. */
export function caption({ weighting, over }: Seen, n: number, edge: number): string {
  const parts = [
    weighting === "value" ? "thumbnails: raw attention, not weighted" : "",
    over === "set" ? "thumbnails: mean of each prompt’s" : "",
    n > edge ? "each pixel the largest of its tokens" : "",
  ];
  return parts.filter(Boolean).join("; ").replace("; thumbnails:", ",");
}
