// The attention view: all heads, the selected head's map, which run, and words for it all.
// Reads the session's traits (lib/session.ts), sets selection, run, weighting and over.

import { once } from "../lib/changing";
import { layout, limits, readMap, readThumbs, thumbOf } from "../lib/heatmap";
import { isLive, STATIC, whenLive } from "../lib/live";
import { whenChanged } from "../lib/model";
import type { Look, Looked } from "../lib/session";
import { style } from "../lib/theme";
import type { Mount } from "../views";
import { asker, TILE_EDGE } from "./attention-ask";
import { look, nameOf, type Seen } from "./attention-look";
import { parts as build } from "./attention-parts";
import { ATTENTION_STYLE } from "./attention-style";
import { short } from "./map-axes";
import { onLooks, paintOf } from "./paint";

const KEYS = [
  ...(["selection", "run", "weighting", "over", "tokens", "model", "edits"] as const),
  ...(["corrupted_prompt", "n_prompts", "status", "message", "revision"] as const),
  ...(["thumbs", "map"] as const),
] satisfies readonly (keyof Looked)[];
const SILENT_MS = 1000;
/** So long the map that is on screen waits for the exact one, before the thumbnail stands in. */
const SKETCH_MS = 40;
const NONE: string[] = [];

/** Show a session's attention in `root`, until the signal aborts. */
export const mountAttention: Mount = ({ session, ask }, root, signal) => {
  root.classList.add("hw-root", "hw-attention");
  root.setAttribute("role", "region");
  root.setAttribute("aria-label", "attention view");
  let frame = 0;
  let fresh = false; // whether the theme or the width may have changed
  const soon = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      if (fresh) [paint, width] = [paintOf(root), parts.width(root)];
      fresh = false;
      draw();
    });
  };
  const asking = asker(ask, soon, signal);
  const parts = build(session, asking, soon, signal);
  root.replaceChildren(style(ATTENTION_STYLE), ...parts.children);

  const thumbs = once(readThumbs);
  const grids = once(readMap);
  const ends = once(limits);
  const rough = once((bytes: Uint8Array, edge: number) => ({ bytes, edge }));
  const longest = once((tokens: string[]) =>
    Math.max(3, ...tokens.map((one) => short(one).length)),
  );
  let paint = paintOf(root);
  let width = parts.width(root); // kept: to ask for it lays out the page
  let [asked, since, began] = ["", 0, 0]; // what is shown, since when, and since when it waits
  let timer: ReturnType<typeof setTimeout> | undefined;
  let kept: { of: string; tokens: string[] } | undefined; // those of a map that is now stale

  const read = () => {
    const now = look(session);
    try {
      const small = thumbs(now.thumbs, session.get("thumbs_data"));
      const grid = now.exact ? grids(now.map, session.get("map_data")) : null;
      return { now, small, grid, why: now.map.error ?? "" };
    } catch (error) {
      return { now, small: null, grid: null, why: String(error) };
    }
  };
  const draw = () => {
    if (!session.get("model")) {
      parts.empty("static copy: run the notebook to see its attention");
      return;
    }
    const { now, small, grid, why } = read();
    const of = `${now.map.revision} ${now.map.run} ${now.map.over}`;
    if (now.current && now.exact) kept = { of, tokens: now.map.tokens ?? session.get("tokens") };
    const n = (grid && now.map.n) || kept?.tokens.length || session.get("tokens").length;
    const ours = now.exact && kept?.of === of ? kept.tokens : session.get("tokens");
    const tokens = ours.length === n ? ours : NONE;
    const signed = Boolean(now.exact ? now.map.signed : now.thumbs.signed);
    const [layer = 0, head = 0] = now.head.split(".").map(Number);
    const sketch = !grid && small && layer < small.layers ? thumbOf(small, layer, head) : null;
    const { map, current, weighting } = now;
    const window = parts.map.seen();
    const zoomed = grid && current && window.span > 0 && window.span <= TILE_EDGE;
    const stride = zoomed ? (map.stride ?? 1) : 1;
    const tile = asking.tile(parts.about(now), now.revision, window, n, stride);
    const seen: Seen = { ...now, grid, tile, n, tokens, signed, why };
    const range = grid ? ends(grid.extent, signed, weighting !== "raw") : signed ? [-1, 1] : [0, 1];
    const at = layout(width, now.layers, now.heads, n, longest(tokens));
    const name = nameOf(session, now.head);
    const dead = !isLive(session);
    const waiting = !(current && now.exact && now.small);
    const { patient, silent } = waits(now, waiting && !dead);
    root.dataset.hwState = why ? "error" : waiting && !dead ? "busy" : "ready";
    root.dataset.hwRevision = String(map.revision ?? "");
    root.dataset.hwHead = now.head;
    parts.heads.draw(headsState(session, small, now), at, paint);
    if (patient && !grid && kept) return parts.top(seen);
    parts.map.draw(
      {
        ...{ grid, tile, signed, tokens, n, ends: range as [number, number] },
        ...{ noBos: weighting === "no bos", found: parts.found() },
        rough: sketch && small && rough(sketch, small.edge),
        label:
          `head ${name}, ${now.run}, ${n} by ${n} tokens: arrows move, plus and minus zoom, ` +
          "Enter pins a query, R reads its row",
      },
      at,
      paint,
    );
    parts.wide(at.label + at.size);
    parts.stale(!current, now.thumbs.revision !== now.revision, Boolean(why));
    parts.show(seen, at, paint, range, {
      silence: !waiting ? "" : dead ? STATIC : silent ? "the kernel is busy" : "",
      edge: small?.edge ?? n,
    });
  };
  /** How long the answer has been missing; draws again when that comes to mean something else. */
  const waits = ({ head, run, weighting, over }: ReturnType<typeof look>, waiting: boolean) => {
    const now = performance.now();
    const question = [head, run, weighting, over].join();
    if (question !== asked) [asked, since] = [question, now];
    began = waiting ? began || now : 0;
    const [soon, late] = [since + SKETCH_MS - now, began + SILENT_MS - now];
    clearTimeout(timer);
    if (waiting && late > 0) timer = setTimeout(draw, Math.ceil(soon > 0 ? soon : late));
    return { patient: waiting && soon > 0, silent: waiting && late <= 0 };
  };
  whenChanged(session, KEYS, draw, signal);
  whenLive(session, soon, signal);
  const repaint = () => {
    fresh = true;
    soon();
  };
  onLooks(root, repaint, signal);
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    cancelAnimationFrame(frame);
    root.replaceChildren();
  });
};

function headsState(
  session: Look,
  thumbs: ReturnType<typeof readThumbs>,
  { thumbs: about, layers, heads }: ReturnType<typeof look>,
) {
  return {
    ...{ thumbs, layers, heads, signed: Boolean(about.signed) },
    ...{ selection: session.get("selection"), edits: session.get("edits") },
    name: (head: string) => nameOf(session, head),
  };
}
