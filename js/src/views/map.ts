// One head's map on a canvas, a crosshair on a second canvas above it; zoomed, panned and
// walked through by mouse and by keys.

import { changing } from "../lib/changing";
import { h } from "../lib/dom";
import type { layout } from "../lib/heatmap";
import { css } from "../lib/theme";
import { drawAxes } from "./map-axes";
import { type MapState, mapDrawer } from "./map-draw";
import {
  middle,
  moved,
  type Place,
  showing,
  type Window,
  whole,
  within,
  zoomed,
} from "./map-window";
import type { Paint } from "./paint";

export const MAP_STYLE = css`
.hw-map { position: relative; flex: none; outline: none; border-radius: 4px; }
.hw-map:focus-visible { box-shadow: 0 0 0 2px var(--hw-accent); }
.hw-map canvas { display: block; }
.hw-map .hw-field { position: absolute; }
.hw-map .hw-over { position: absolute; inset: 0; cursor: crosshair; }
.hw-map .hw-over.hw-part { cursor: grab; touch-action: none; }
.hw-stale canvas { filter: grayscale(1); opacity: .55; }
`;

/** What a map tells of: the crosshair, the pinned query, the window, and the wish to hear a row. */
export interface Told {
  point(place: Place | null): void;
  pin(query: number | null): void;
  window(seen: Window): void;
  read(): void;
}

const SLIP = 4; // pixels that a click may move

export function headMap(told: Told, signal: AbortSignal) {
  const axes = h("canvas", "");
  const field = h("canvas", "hw-field");
  const over = h("canvas", "hw-over");
  const element = h("div", "hw-map", axes, field, over);
  element.tabIndex = 0;
  element.setAttribute("role", "application");
  element.setAttribute("aria-roledescription", "attention map");
  element.dataset.lmSuppressShortcuts = "true";
  const drawMap = mapDrawer();
  let state: MapState | undefined;
  let frame = { label: 0, size: 0 };
  let paint: Paint | undefined;
  let place: Place | null = null;
  let pinned: number | null = null;
  let seen = whole(0);
  const [axesChanges, fieldChanges, crossChanges] = [changing(), changing(), changing()];

  const cross = () => {
    const { label, size } = frame;
    if (!crossChanges([label, size, seen, paint, pinned, place, state?.n])) return;
    const context = paint?.size(over, label + size, label + size);
    if (!context || !state || !paint) return;
    const side = size / seen.span;
    const thick = Math.max(side, 1.5);
    context.beginPath();
    context.rect(label - 1, label - 1, size + 2, size + 2);
    context.clip();
    const row = (query: number, ink: string, width: number) => {
      context.strokeStyle = ink;
      context.lineWidth = width;
      context.strokeRect(label, label + (query - seen.query) * side, size, thick);
    };
    if (pinned !== null && pinned < state.n) row(pinned, paint.pick, 2);
    if (!place) return;
    row(place.query, paint.accent, 1.5);
    context.strokeRect(label + (place.key - seen.key) * side, label, thick, size);
  };
  const redraw = () => {
    if (!state || !paint) return;
    const { label, size } = frame;
    const { grid, rough, tile, ends, signed, noBos, tokens, found } = state;
    const place = [seen, size, label, paint];
    if (axesChanges([...place, tokens, found])) {
      const context = paint.size(axes, label + size, label + size);
      if (context) drawAxes(context, state, seen, frame, paint);
      Object.assign(field.style, { left: `${label}px`, top: `${label}px`, background: paint.soft });
    }
    if (fieldChanges([...place, grid, rough, tile, signed, noBos, grid && ends])) {
      const context = paint.size(field, size, size);
      if (context) drawMap(context, state, seen, size, paint);
    }
    cross();
  };
  const look = (next: Window) => {
    if (!state) return;
    const to = within(next, state.n);
    if (to.query === seen.query && to.key === seen.key && to.span === seen.span) return;
    seen = to;
    over.classList.toggle("hw-part", seen.span < state.n);
    redraw();
    told.window(seen);
  };
  const point = (next: Place | null) => {
    if (next?.query === place?.query && next?.key === place?.key) return;
    place = next;
    cross();
    told.point(place);
  };
  const go = (next: Place) => {
    const n = state?.n ?? 0;
    const on = (at: number) => Math.max(0, Math.min(n - 1, at));
    const to = { query: on(next.query), key: on(next.key) };
    look(showing(seen, n, to));
    point(to);
  };
  const fix = (query: number | null) => {
    pinned = query === pinned ? null : query;
    cross();
    told.pin(pinned);
  };
  const zoom = (factor: number, around = place ?? middle(seen)) =>
    look(zoomed(seen, state?.n ?? 0, factor, around));
  const pan = (queries: number, keys: number) => look(moved(seen, state?.n ?? 0, queries, keys));
  const end = () => {
    const last = (state?.n ?? 1) - 1;
    go({ query: last, key: place?.key ?? last });
  };

  const under = (event: MouseEvent): Place | null => {
    const box = over.getBoundingClientRect();
    const at = (from: number) => Math.floor(((from - frame.label) / frame.size) * seen.span);
    const [query, key] = [at(event.clientY - box.top), at(event.clientX - box.left)];
    const inside = query >= 0 && key >= 0 && query < seen.span && key < seen.span;
    return inside ? { query: seen.query + query, key: seen.key + key } : null;
  };
  let byHand = false; // whether the crosshair is where the mouse put it
  let held: { x: number; y: number; from: Window; slid: boolean } | null = null;
  over.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !under(event)) return;
    held = { x: event.clientX, y: event.clientY, from: seen, slid: false };
  });
  over.addEventListener("pointermove", (event) => {
    if (!held) {
      const at = under(event);
      if (!at && !byHand) return;
      byHand = at !== null;
      return point(at);
    }
    const [x, y] = [event.clientX - held.x, event.clientY - held.y];
    if (!held.slid && Math.hypot(x, y) < SLIP) return;
    if (!held.slid) over.setPointerCapture?.(event.pointerId);
    held.slid = true;
    const side = frame.size / seen.span;
    look(moved(held.from, state?.n ?? 0, -y / side, -x / side));
  });
  over.addEventListener("pointerup", (event) => {
    const at = held && !held.slid ? under(event) : null;
    held = null;
    if (!at) return;
    point(at);
    fix(at.query);
  });
  over.addEventListener("pointercancel", () => {
    held = null;
  });
  over.addEventListener("pointerleave", () => {
    if (byHand) point(null); // not one that keys have put there: a page may scroll
    byHand = false;
  });
  over.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoom(event.deltaY < 0 ? 0.8 : 1.25, under(event) ?? undefined);
    },
    { passive: false },
  );
  element.addEventListener("keydown", (event) => {
    byHand = false;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const last = (state?.n ?? 1) - 1;
    const { query, key } = place ?? { query: pinned ?? last, key: last };
    const step = Math.max(1, Math.floor(seen.span / 8));
    const [down, right] = ARROWS[event.key] ?? [0, 0];
    if (down || right) {
      if (event.shiftKey) pan(down * step, right * step);
      else go({ query: query + down, key: key + right });
    } else if (event.key === "Home") go({ query, key: 0 });
    else if (event.key === "End") end();
    else if (event.key === "+" || event.key === "=") zoom(0.5);
    else if (event.key === "-") zoom(2);
    else if (event.key === "0") look(whole(last + 1));
    else if (event.key === "r" || event.key === "R") told.read();
    else if (event.key === "Enter") fix(query);
    else if (event.key === "Escape") {
      point(null);
      element.blur();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  signal.addEventListener("abort", () => element.remove(), { once: true });

  function draw(next: MapState, at: ReturnType<typeof layout>, ink: Paint): void {
    element.setAttribute("aria-label", next.label);
    const other = next.n !== state?.n;
    [state, paint, frame] = [next, ink, { label: at.label, size: at.size }];
    if (other) {
      place = null;
      seen = whole(next.n);
      over.classList.remove("hw-part");
      if (pinned !== null) fix(null);
    }
    redraw();
  }
  return {
    element,
    draw,
    go,
    zoom,
    end,
    whole: () => look(whole(state?.n ?? 0)),
    seen: () => seen,
  };
}

const ARROWS: Record<string, [number, number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

export type { Place, Window };
