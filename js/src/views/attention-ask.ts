// What the view asks Python for: the exact value under the cursor, exact tiles of long maps.
// Asked when the hand rests, superseded by the next; a static copy simply gets no answer.

import { digits, readTile, type Tile } from "../lib/heatmap";
import type { Ask } from "../lib/session";
import { decode } from "../lib/wire";
import { holds, type Place, tileFor, type Window } from "./map-window";

const REST_MS = 150;
export const TILE_EDGE = 512;

/** Which map is meant. */
export interface About {
  head: string;
  run: string;
  weighting: string;
  over: string;
}

export function asker(ask: Ask, changed: () => void, signal: AbortSignal) {
  const mine = Math.random().toString(36).slice(2); // two views do not supersede each other
  let value: { of: string; text: string | null } = { of: "", text: null };
  let tile: { of: string; from: string; tile: Tile | null } = { of: "", from: "", tile: null };
  const timers: Record<string, ReturnType<typeof setTimeout>> = {};

  const later = (name: string, body: object, revision: number, take: (answer: Got) => void) => {
    clearTimeout(timers[name]);
    timers[name] = setTimeout(() => {
      ask(name, { ...body }, { key: `${name} ${mine}`, signal }).then(
        ({ body: got, buffers }) => {
          if (got.revision !== revision) return;
          try {
            take({ got, data: buffers[0] });
            changed();
          } catch {
            // not readable: what is on screen stays, with its bound
          }
        },
        () => {}, // superseded, refused or no kernel: what is on screen stays
      );
    }, REST_MS);
  };
  signal.addEventListener("abort", () => Object.values(timers).forEach(clearTimeout));

  return {
    /** The exact value at a place, once it is known. */
    value(about: About, revision: number, place: Place | null): string | null {
      const body = { ...about, ...place };
      const of = place ? JSON.stringify([body, revision]) : "";
      if (of === value.of) return value.text;
      value = { of, text: null };
      clearTimeout(timers.value);
      if (place) {
        later("value", body, revision, ({ got, data }) => {
          const one = decode(got.array, data ?? new ArrayBuffer(0)).data[0];
          if (value.of === of && one !== undefined) value.text = digits(one);
        });
      }
      return null;
    },
    /** A tile that shows what it can of the window: the last, until a better one has come. */
    tile(about: About, revision: number, seen: Window, n: number, stride: number): Tile | null {
      const of = JSON.stringify([about, revision]);
      if (tile.of !== of || stride === 1) tile = { of, from: "", tile: null };
      if (stride === 1 || seen.span > TILE_EDGE) return null;
      if (tile.tile && holds(tile.tile, seen)) return tile.tile;
      const from = tileFor(seen, n, TILE_EDGE);
      if (tile.from !== JSON.stringify(from)) {
        tile.from = JSON.stringify(from);
        later("tile", { ...about, ...from, edge: TILE_EDGE }, revision, ({ got, data }) => {
          if (tile.of === of) tile.tile = readTile(got, data);
        });
      }
      return tile.tile;
    },
  };
}

interface Got {
  got: Record<string, unknown>;
  data: DataView | undefined;
}
