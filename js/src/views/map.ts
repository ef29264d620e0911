// One head's map on a canvas, tokens on both axes, a crosshair on a second canvas above it.

import { visible } from "../card";
import { h } from "../lib/dom";
import { colour, every, type Grid, glyph, type layout, level, limits } from "../lib/heatmap";
import type { Paint } from "./paint";

export const MAP_STYLE = `
.hw-map { position: relative; flex: none; outline: none; border-radius: 4px; }
.hw-map:focus-visible { box-shadow: 0 0 0 2px var(--hw-accent); }
.hw-map canvas { display: block; }
.hw-map .hw-over { position: absolute; inset: 0; cursor: crosshair; }
.hw-stale canvas { filter: grayscale(1); opacity: .55; }
`;

export interface MapState {
  /** Exact values or an overview; in their absence a thumbnail, as RGBA. */
  grid: Grid | null;
  rough: { pixels: Uint8ClampedArray<ArrayBuffer>; edge: number } | null;
  signed: boolean;
  tokens: string[];
  /** Tokens along one axis. */
  n: number;
  label: string;
}

/** A place on the map, in tokens. */
export interface Place {
  query: number;
  key: number;
}

/** A token as it is shown on an axis: its start, made visible. */
export function short(token: string, most = 11): string {
  const letters = [...visible(token)];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : letters.join("");
}

/** The map; `point` is told where the crosshair is, `pin` which query is pinned. */
export function headMap(
  point: (place: Place | null) => void,
  pin: (query: number | null) => void,
  signal: AbortSignal,
) {
  const base = h("canvas", "");
  const over = h("canvas", "hw-over");
  const element = h("div", "hw-map", base, over);
  element.tabIndex = 0;
  element.setAttribute("role", "application");
  element.setAttribute("aria-roledescription", "attention map");
  element.dataset.lmSuppressShortcuts = "true";
  let state: MapState | undefined;
  let label = 0;
  let size = 0;
  let paint: Paint | undefined;
  let place: Place | null = null;
  let pinned: number | null = null;
  let drawn: unknown[] = [];

  const cross = () => {
    const context = paint?.size(over, label + size, label + size);
    if (!context || !state || !paint) return;
    const side = size / state.n;
    const thick = Math.max(side, 1.5);
    const line = (query: number, ink: string, width: number) => {
      context.strokeStyle = ink;
      context.lineWidth = width;
      context.strokeRect(label, label + query * side, size, thick);
    };
    if (pinned !== null && pinned < state.n) line(pinned, paint.pick, 2);
    if (!place) return;
    line(place.query, paint.accent, 1.5);
    context.strokeRect(label + place.key * side, label, thick, size);
  };
  const go = (next: Place | null) => {
    if (next?.query === place?.query && next?.key === place?.key) return;
    place = next;
    over.title = place && state ? `${said(state, place.query)} → ${said(state, place.key)}` : "";
    cross();
    point(place);
  };
  const fix = (query: number | null) => {
    pinned = query === pinned ? null : query;
    cross();
    pin(pinned);
  };
  over.addEventListener("mousemove", (event) => {
    const box = over.getBoundingClientRect();
    const at = (from: number) => Math.floor(((from - label) / size) * (state?.n ?? 0));
    const [query, key] = [at(event.clientY - box.top), at(event.clientX - box.left)];
    const n = state?.n ?? 0;
    go(query >= 0 && key >= 0 && query < n && key < n ? { query, key } : null);
  });
  over.addEventListener("mouseleave", () => go(null));
  over.addEventListener("click", () => {
    if (place) fix(place.query);
  });
  element.addEventListener("keydown", (event) => {
    const last = (state?.n ?? 1) - 1;
    const { query, key } = place ?? { query: last, key: last };
    const moves: Record<string, [number, number]> = {
      ArrowUp: [query - 1, key],
      ArrowDown: [query + 1, key],
      ArrowLeft: [query, key - 1],
      ArrowRight: [query, key + 1],
      Home: [query, 0],
      End: [last, key],
    };
    const to = moves[event.key];
    const within = (at: number) => Math.max(0, Math.min(last, at));
    if (to) go({ query: within(to[0]), key: within(to[1]) });
    else if (event.key === "Enter") fix(query);
    else if (event.key === "Escape") {
      go(null);
      element.blur();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  signal.addEventListener("abort", () => element.remove(), { once: true });

  function draw(next: MapState, at: ReturnType<typeof layout>, look: Paint): void {
    const now = [next.grid, next.rough?.pixels, next.signed, next.tokens, at.size, at.label, look];
    element.setAttribute("aria-label", next.label);
    if (state && next.n !== state.n) {
      place = null;
      if (pinned !== null) fix(null);
    }
    [state, paint, size, label] = [next, look, at.size, at.label];
    if (now.every((value, i) => value === drawn[i])) return;
    drawn = now;
    const context = look.size(base, label + size, label + size);
    if (context) drawMap(context, next, label, size, look);
    cross();
  }
  return { element, draw };
}

function said({ tokens }: MapState, at: number): string {
  return `${at} ${visible(tokens[at] ?? "")}`;
}

function drawMap(
  context: CanvasRenderingContext2D,
  { grid, rough, signed, tokens, n }: MapState,
  label: number,
  size: number,
  paint: Paint,
): void {
  const edge = grid?.edge ?? rough?.edge ?? 0;
  const ends = grid ? limits(grid.values, signed) : undefined;
  const pixels = grid && ends ? colour(grid.values, ends, paint.table(signed)) : rough?.pixels;
  const picture = pixels ? paint.picture(pixels, edge) : null;
  context.fillStyle = paint.soft;
  context.fillRect(label, label, size, size);
  context.imageSmoothingEnabled = edge > size;
  if (picture) context.drawImage(picture, label, label, size, size);
  context.strokeStyle = paint.line;
  if (signed) context.strokeRect(label + 0.5, label + 0.5, size - 1, size - 1);
  if (grid) drawGlyphs(context, grid, label, size / edge, paint);
  drawTokens(context, tokens, n, label, size, paint);
}

/** What has no colour gets a sign, where there is room for one. */
function drawGlyphs(
  context: CanvasRenderingContext2D,
  { edge, values }: Grid,
  label: number,
  side: number,
  paint: Paint,
): void {
  if (side < 9) return;
  context.font = `${Math.min(13, Math.floor(side * 0.7))}px ${paint.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = "#fff";
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (level(value, [0, 1]) >= 0 || Number.isFinite(value)) continue;
    const [query, key] = [Math.floor(i / edge), i % edge];
    context.fillText(glyph(value), label + (key + 0.5) * side, label + (query + 0.5) * side);
  }
}

function drawTokens(
  context: CanvasRenderingContext2D,
  tokens: string[],
  n: number,
  label: number,
  size: number,
  paint: Paint,
): void {
  context.font = `11px ${paint.font}`;
  context.textBaseline = "middle";
  context.fillStyle = paint.ink;
  const step = every(n, size);
  const room = label - 8;
  for (let i = 0; i < n; i += step) {
    const middle = label + ((i + 0.5) * size) / n;
    const text = short(tokens[i] ?? String(i));
    context.textAlign = "right";
    context.fillText(text, label - 5, middle, room);
    context.save();
    context.translate(middle, label - 5);
    context.rotate(-Math.PI / 2);
    context.textAlign = "left";
    context.fillText(text, 0, 0, room);
    context.restore();
  }
  context.font = `10px ${paint.font}`;
  context.fillStyle = paint.quiet;
  context.textAlign = "left";
  context.fillText("key →", 2, 8);
  context.fillText("query ↓", 2, 22);
}
