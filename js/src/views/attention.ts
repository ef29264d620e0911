// The attention view: all heads, the selected head's map, which run, and words for it all.
// Reads the session's traits (lib/session.ts), sets selection and run, keeps nothing else.

import { visible } from "../card";
import { h } from "../lib/dom";
import {
  colourBytes,
  type Grid,
  layout,
  limits,
  readMap,
  readThumbs,
  strongest,
  type Thumbs,
  thumbOf,
  words,
} from "../lib/heatmap";
import { gradient } from "../lib/lut";
import { whenChanged } from "../lib/model";
import type { Look, Looked, Run } from "../lib/session";
import { style } from "../lib/theme";
import type { Mount } from "../views";
import { HEADS_STYLE, headGrid } from "./heads";
import { headMap, MAP_STYLE, type Place, short } from "./map";
import { onLooks, type Paint, paintOf } from "./paint";

const KEYS = [
  ...(["selection", "run", "tokens", "model", "edits", "corrupted_prompt"] as const),
  ...(["status", "message", "revision", "thumbs", "map"] as const),
] satisfies readonly (keyof Looked)[];
const RUNS: readonly Run[] = ["clean", "corrupted", "edited", "difference"];
const SILENT_MS = 1000;
const STRONGEST = 5;

const STYLE = `
.hw-attention { --hw-pick: #d55e00; padding: 10px 12px; border: 1px solid var(--hw-line);
  border-radius: 6px; }
[data-jp-theme-light="false"] .hw-attention { --hw-pick: #ff9d4d; }
.hw-attention [hidden] { display: none; }
.hw-bar { display: flex; flex-wrap: wrap; gap: 6px 14px; align-items: center; margin-bottom: 8px; }
.hw-title { font-weight: 600; font-size: 15px; }
.hw-quiet { color: var(--hw-quiet); }
.hw-runs { display: inline-flex; flex-wrap: wrap; border: 1px solid var(--hw-line);
  border-radius: 5px; overflow: hidden; margin-left: auto; }
.hw-runs button { font: inherit; color: var(--hw-fg); background: none; border: 0;
  padding: 2px 10px; cursor: pointer; }
.hw-runs button + button { border-left: 1px solid var(--hw-line); }
.hw-runs button[aria-pressed="true"] { background: var(--hw-fg); color: var(--hw-bg); }
.hw-runs button[aria-disabled="true"] { color: var(--hw-quiet); cursor: not-allowed; }
.hw-runs button:focus-visible { outline: 2px solid var(--hw-accent); outline-offset: -2px; }
.hw-split { display: flex; flex-wrap: wrap; gap: 14px 28px; align-items: flex-start; }
.hw-one { min-width: 0; }
.hw-foot { display: flex; flex-wrap: wrap; gap: 2px 12px; align-items: center; margin-top: 6px; }
.hw-scale { display: inline-flex; gap: 6px; align-items: center; font-family: var(--hw-mono); }
.hw-scale i { width: 90px; height: 9px; border-radius: 2px; }
.hw-line { min-height: 1.5em; margin-top: 4px; font-family: var(--hw-mono); font-size: 12px;
  overflow-wrap: anywhere; }
.hw-strong { margin: 2px 0 0; padding: 0; list-style: none; display: flex; flex-wrap: wrap;
  gap: 4px 8px; }
.hw-strong li { font-family: var(--hw-mono); font-size: 12px; padding: 0 6px; border-radius: 3px;
  background: linear-gradient(90deg,
  color-mix(in srgb, var(--hw-accent) 28%, transparent) var(--hw-part), transparent 0);
  border: 1px solid var(--hw-line); white-space: pre; }
.hw-why { color: var(--hw-bad); }
.hw-badge { border: 1px solid var(--hw-line); border-radius: 3px; padding: 0 6px; }
${HEADS_STYLE}${MAP_STYLE}`;

/** Show a session's attention in `root`, until the signal aborts. */
export const mountAttention: Mount = ({ session }, root, signal) => {
  root.classList.add("hw-root", "hw-attention");
  root.setAttribute("role", "region");
  root.setAttribute("aria-label", "attention view");
  const parts = build(session, signal, () => speak());
  root.replaceChildren(style(STYLE), ...parts.children);

  const thumbs = remember(readThumbs);
  const grids = remember(readMap);
  const rough = remember((bytes: Uint8Array, table: Uint8Array) => colourBytes(bytes, table));
  let paint: Paint = paintOf(root);
  let seen: Seen | undefined;
  let silent = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let kept: { of: string; tokens: string[] } | undefined; // those of a map that is now stale

  const draw = () => {
    if (!session.get("model")) {
      parts.empty("static copy: run the notebook to see its attention");
      return;
    }
    const now = look(session);
    let small: Thumbs | null = null;
    let grid: Grid | null = null;
    let why = now.map.error ?? "";
    try {
      small = thumbs(now.thumbs, session.get("thumbs_data"));
      grid = now.exact ? grids(now.map, session.get("map_data")) : null;
    } catch (error) {
      why = String(error);
    }
    const current = now.map.revision === now.revision;
    const of = `${now.map.revision} ${now.map.run}`;
    if (current && now.exact) kept = { of, tokens: now.map.tokens ?? session.get("tokens") };
    const n = (grid && now.map.n) || kept?.tokens.length || session.get("tokens").length;
    const ours = now.exact && kept?.of === of ? kept.tokens : session.get("tokens");
    const tokens = ours.length === n ? ours : [];
    const signed = Boolean(now.exact ? now.map.signed : now.thumbs.signed);
    const [layer = 0, head = 0] = now.head.split(".").map(Number);
    const sketch = !grid && small && layer < small.layers ? thumbOf(small, layer, head) : null;
    seen = { ...now, grid, n, tokens, signed, why, bound: grid?.bound ?? 0 };
    const letters = Math.max(...tokens.map((token) => short(token).length), 3);
    const at = layout(parts.width(root), now.layers, now.heads, n, letters);
    const name = (of_: string) => nameOf(session, of_);
    parts.heads.draw(
      {
        ...{ thumbs: small, signed: Boolean(now.thumbs.signed), layers: now.layers },
        ...{ heads: now.heads, selection: session.get("selection"), edits: session.get("edits") },
        name,
      },
      at,
      paint,
    );
    parts.map.draw(
      {
        ...{ grid, signed, tokens, n },
        rough: sketch && small && { pixels: rough(sketch, paint.table(signed)), edge: small.edge },
        label: `head ${name(now.head)}, ${now.run}, ${n} by ${n} tokens: arrows move, Enter pins a query`,
      },
      at,
      paint,
    );
    parts.map.element.hidden = Boolean(why);
    parts.wide(at.label + at.size);
    parts.map.element.classList.toggle("hw-stale", !current);
    parts.heads.element.classList.toggle("hw-stale", now.thumbs.revision !== now.revision);
    const waiting = !(current && now.exact && now.thumbs.revision === now.revision);
    clearTimeout(timer);
    if (!waiting) silent = false;
    else if (!silent) {
      timer = setTimeout(() => {
        silent = true;
        draw();
      }, SILENT_MS);
    }
    parts.head(session, now, name(now.head));
    parts.foot(seen, paint, { current, silent: silent && waiting });
    speak();
    root.dataset.hwState = why ? "error" : waiting ? "busy" : "ready";
    root.dataset.hwRevision = String(now.map.revision ?? "");
    root.dataset.hwHead = now.head;
  };
  const speak = () => {
    if (seen) parts.words(seen);
  };
  whenChanged(session, KEYS, draw, signal);
  let frame = 0;
  const repaint = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      paint = paintOf(root);
      draw();
    });
  };
  onLooks(root, repaint, signal);
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    cancelAnimationFrame(frame);
    root.replaceChildren();
  });
};

type Seen = ReturnType<typeof look> & {
  grid: Grid | null;
  n: number;
  tokens: string[];
  signed: boolean;
  why: string;
  bound: number;
};

/** What is asked for, and whether the map that is here is it. */
function look(session: Look) {
  const map = session.get("map") ?? {};
  const thumbs = session.get("thumbs") ?? {};
  const { n_layers: layers, n_heads: heads } = session.get("model") ?? {};
  const head = session.get("selection") || "0.0";
  const run = session.get("run") ?? "clean";
  return {
    ...{ map, thumbs, head, run, revision: session.get("revision") },
    ...{ layers: Number(layers ?? 0), heads: Number(heads ?? 0) },
    exact: map.head === head && map.run === run,
  };
}

function nameOf(session: Look, head: string): string {
  const [layer = 0, index = 0] = head.split(".").map(Number);
  const name = session.get("names")?.[layer * Number(session.get("model").n_heads) + index];
  return name ? `${head} ${visible(name)}` : head;
}

/** The elements, and how each is brought up to date. */
function build(session: Look, signal: AbortSignal, speak: () => void) {
  let place: Place | null = null;
  let pinned: number | null = null;
  let pointed = "";
  const title = h("span", "hw-title");
  const model = h("span", "hw-quiet");
  const runs = RUNS.map((run) => {
    const button = h("button", "", run);
    button.type = "button";
    button.addEventListener("click", () => {
      if (button.getAttribute("aria-disabled") === "true") return;
      session.set("run", run);
      session.save_changes();
    });
    return button;
  });
  const group = h("span", "hw-runs", ...runs);
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", "which run");
  const bar = h("div", "hw-bar", title, model, group);
  const heads = headGrid(
    (head) => {
      session.set("selection", head);
      session.save_changes();
    },
    (head) => {
      pointed = head;
      speak();
    },
    signal,
  );
  const map = headMap(
    (at) => {
      place = at;
      speak();
    },
    (query) => {
      pinned = query;
      speak();
    },
    signal,
  );
  const why = h("div", "hw-why");
  const foot = h("div", "hw-foot");
  const line = h("div", "hw-line");
  line.setAttribute("role", "status");
  line.setAttribute("aria-live", "polite");
  const about = h("div", "hw-quiet");
  const list = h("ol", "hw-strong");
  const one = h("div", "hw-one", map.element, why, foot, line, about, list);
  const split = h("div", "hw-split", heads.element, one);

  return {
    children: [bar, split],
    heads,
    map,
    empty: (text: string) => {
      why.textContent = text;
    },
    wide: (width: number) => {
      one.style.flex = `1 1 ${width}px`;
    },
    width: (root: HTMLElement) => (root.clientWidth || 720) - 24,
    head: (from: Look, now: ReturnType<typeof look>, name: string) => {
      title.textContent = `head ${name}`;
      model.textContent = [from.get("model").name, `${now.layers} layers × ${now.heads} heads`]
        .filter(Boolean)
        .join(" · ");
      const corrupted = from.get("corrupted_prompt");
      group.hidden = corrupted === undefined;
      const lacks: Record<Run, string> = {
        clean: "",
        corrupted: corrupted ? "" : "there is no corrupted prompt",
        edited: from.get("edits").length ? "" : "there are no edits",
        difference: corrupted || from.get("edits").length ? "" : "there is nothing to compare",
      };
      RUNS.forEach((run, i) => {
        runs[i]?.setAttribute("aria-pressed", String(run === now.run));
        runs[i]?.setAttribute("aria-disabled", String(Boolean(lacks[run])));
        if (runs[i]) runs[i].title = lacks[run];
      });
    },
    foot: (now: Seen, paint: Paint, { current, silent }: { current: boolean; silent: boolean }) => {
      why.textContent = now.why;
      const ends = now.grid ? limits(now.grid.values, now.signed) : now.signed ? [-1, 1] : [0, 1];
      const bar_ = h("i", "");
      bar_.style.background = gradient(paint.table(now.signed));
      const [low = 0, high = 1] = ends.map((end) => String(Number(end.toPrecision(2))));
      const scale = h("span", "hw-scale", String(low), bar_, String(high));
      foot.replaceChildren(scale, ...notes(now, current, silent));
    },
    words: (now: Seen) => {
      line.textContent = pointed ? `head ${nameOf(session, pointed)}` : sentence(now, place);
      const query = pinned ?? now.n - 1;
      const rowed = now.grid && query >= 0 && !now.why ? keys(now, query) : null;
      about.textContent = rowed
        ? `${pinned === null ? "last token" : "pinned"}: ${said(now, query)} ${now.signed ? "changes most at" : "looks at"}`
        : "";
      list.replaceChildren(...(rowed ?? []));
    },
  };
}

/** What is to be known of the numbers on screen. */
function notes(now: Seen, current: boolean, silent: boolean): HTMLElement[] {
  const out: HTMLElement[] = [];
  const stride = now.map.stride ?? 1;
  if (now.why) return out;
  if (now.map.of && now.exact) out.push(h("span", "", now.map.of));
  if (!now.grid) {
    const text = silent
      ? "thumbnail, enlarged: the kernel is busy, or this is a static copy: run the notebook"
      : "thumbnail, enlarged; every value is on its way";
    out.push(h("span", "hw-badge hw-sketch", text));
  }
  if (!current) out.push(h("span", "hw-badge", "before your edit"));
  if (now.grid && stride > 1) {
    const size = now.n.toLocaleString("en");
    const text = `1 of ${stride} × ${stride} of ${size} × ${size} pixels, the largest`;
    out.push(h("span", "hw-quiet", text));
  } else if (now.grid) {
    out.push(h("span", "hw-quiet", `every value, ± ${now.bound.toPrecision(1)}`));
  }
  return out;
}

function said({ tokens }: Seen, at: number): string {
  return `${at} “${visible(tokens[at] ?? "")}”`;
}

function sentence(now: Seen, place: Place | null): string {
  if (!place) return "";
  const where = `${said(now, place.query)} → ${said(now, place.key)}`;
  if (!now.grid) return where;
  const stride = now.map.stride ?? 1;
  const [q, k] = [Math.floor(place.query / stride), Math.floor(place.key / stride)];
  const value = words(now.grid.values[q * now.grid.edge + k] ?? Number.NaN);
  return `${where}: ${value}${stride > 1 ? ` (largest of ${stride} × ${stride})` : ""}`;
}

/** The strongest keys of a query, each with its value. */
function keys(now: Seen, query: number): HTMLElement[] {
  const { grid, map } = now;
  if (!grid) return [];
  const stride = map.stride ?? 1;
  const from = Math.floor(query / stride) * grid.edge;
  const row = grid.values.subarray(from, from + grid.edge);
  return strongest(row, STRONGEST, now.signed).map((at) => {
    const key = at * stride;
    const value = row[at] ?? 0;
    const text = `${key} ${short(now.tokens[key] ?? "", 20)}  ${words(value)}`;
    const item = h("li", "", text);
    const part = Math.min(100, Math.abs(value) * 100);
    item.style.setProperty("--hw-part", `${part.toFixed(0)}%`);
    return item;
  });
}

/** Compute again only for other arguments. */
function remember<A extends unknown[], R>(make: (...args: A) => R): (...args: A) => R {
  let last: { args: A; made: R } | undefined;
  return (...args) => {
    if (!last || args.some((arg, i) => arg !== last?.args[i])) last = { args, made: make(...args) };
    return last.made;
  };
}
