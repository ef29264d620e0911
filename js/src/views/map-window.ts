// Which square of a map is on screen, in tokens: zoomed, moved, without a DOM.

/** A place on the map, in tokens. */
export interface Place {
  query: number;
  key: number;
}

/** A square of `span` × `span` tokens from (query, key) on. */
export interface Window extends Place {
  span: number;
}

const LEAST = 8;

export const whole = (n: number): Window => ({ query: 0, key: 0, span: n });

/** The nearest window that lies on the map. */
export function within({ query, key, span }: Window, n: number): Window {
  const size = Math.max(Math.min(LEAST, n), Math.min(n, Math.round(span)));
  const at = (from: number) => Math.max(0, Math.min(n - size, Math.round(from)));
  return { query: at(query), key: at(key), span: size };
}

/** Larger or smaller around a place, which stays where it is on screen. */
export function zoomed(from: Window, n: number, factor: number, around: Place): Window {
  const { span } = within({ ...from, span: from.span * factor }, n);
  const part = span / from.span;
  const keep = (start: number, at: number) => at + 0.5 - (at + 0.5 - start) * part;
  return within(
    { query: keep(from.query, around.query), key: keep(from.key, around.key), span },
    n,
  );
}

export function moved(from: Window, n: number, queries: number, keys: number): Window {
  return within({ ...from, query: from.query + queries, key: from.key + keys }, n);
}

/** Moved as little as possible to show a place. */
export function showing(from: Window, n: number, place: Place): Window {
  const keep = (start: number, at: number) => Math.max(Math.min(start, at), at - from.span + 1);
  return within(
    { ...from, query: keep(from.query, place.query), key: keep(from.key, place.key) },
    n,
  );
}

/** The middle of a window. */
export function middle({ query, key, span }: Window): Place {
  const half = Math.floor(span / 2);
  return { query: query + half, key: key + half };
}

/** Where to ask for a tile of `edge` tokens that shows the window with some way around it. */
export function tileFor(seen: Window, n: number, edge: number): Place {
  const at = (from: number) =>
    Math.max(0, Math.min(n - edge, Math.floor(from + (seen.span - edge) / 2)));
  return { query: at(seen.query), key: at(seen.key) };
}

/** Whether a tile holds everything of a window. */
export function holds(tile: Place & { rows: number; columns: number }, seen: Window): boolean {
  return (
    tile.query <= seen.query &&
    tile.key <= seen.key &&
    tile.query + tile.rows >= seen.query + seen.span &&
    tile.key + tile.columns >= seen.key + seen.span
  );
}
