// A table of heads as the cells of a grid.

import { GUTTER } from "../lib/heatmap";
import type { Published } from "../lib/published";
import type { Edit } from "../state";
import { type Acts, cellGrid } from "./cell-grid";
import { drawCells } from "./grid-paint";
import { type Badges, spoken, type Table } from "./grid-table";
import type { Paint } from "./paint";

/** What both faces of a table draw. */
export interface GridState {
  table: Table;
  keep: Uint8Array;
  order: number[];
  selection: string;
  edits: Edit[];
  badges: Badges;
  published: Published;
}

/** Height of a face: it stays when the other one is shown. */
export const MOST_HIGH = 640;

/** A cell's size, for a room of so many pixels. */
export function cellSize(room: number, heads: number): [number, number] {
  const wide = Math.max(9, Math.min(52, Math.floor((room - GUTTER - 4) / Math.max(heads, 1))));
  return [wide, Math.min(wide, 26)];
}

export function tableGrid(acts: Acts) {
  const cells = cellGrid(acts);
  cells.element.classList.add("hw-cells");

  function draw(next: GridState, room: number, paint: Paint): void {
    const { table, keep, edits, selection, badges, published } = next;
    const { layers, heads } = table;
    const [wide, high] = cellSize(room, heads);
    cells.draw(
      {
        ...{ layers, heads, wide, high, selection },
        of: [table, keep, published, JSON.stringify([edits, badges])],
        spoken: (head) => spoken(table, head, { edits, badges, published }),
        picture: (context) => drawCells(context, next, wide, high, paint),
      },
      paint,
    );
  }
  return { element: cells.element, draw };
}
