// The attention view's elements, and how each is brought up to date.

import { changing } from "../lib/changing";
import { h, say } from "../lib/dom";
import type { layout } from "../lib/heatmap";
import { words } from "../lib/heatmap";
import { gradient } from "../lib/lut";
import {
  called,
  type Look,
  type Looked,
  type Over,
  type Run,
  type Weighting,
} from "../lib/session";
import { strongView } from "./attention-arcs";
import type { About, asker } from "./attention-ask";
import { choice, tools } from "./attention-bar";
import {
  caption,
  heading,
  type look,
  nameOf,
  notes,
  type Seen,
  said,
  sentence,
  strongestKeys,
} from "./attention-look";
import { headGrid } from "./heads";
import { headMap, type Place } from "./map";
import type { Paint } from "./paint";

const RUNS: readonly Run[] = ["clean", "corrupted", "edited", "difference"];
const WEIGHTINGS: readonly Weighting[] = ["raw", "no bos", "value"];
const OVER: readonly Over[] = ["pair", "set"];
const WHAT: Record<Weighting, string> = {
  raw: "attention as the model has it",
  "no bos": "without the first token; the rest is not renormalised",
  value: "attention times the length of what the key writes, A · ‖v W_O‖",
};

export function parts(
  session: Look,
  asking: ReturnType<typeof asker>,
  redraw: () => void,
  signal: AbortSignal,
) {
  let place: Place | null = null;
  let pinned: number | null = null;
  let pointed = "";
  let spoken = "";
  let found: ReadonlySet<number> = new Set();
  let seen: Seen | undefined;
  let at: ReturnType<typeof layout> | undefined;
  const setting =
    <K extends keyof Looked>(name: K) =>
    (value: Looked[K]) => {
      session.set(name, value);
      session.save_changes();
    };
  const title = h("span", "hw-title");
  const model = h("span", "hw-quiet hw-model");
  const weightings = choice("weighting", WEIGHTINGS, setting("weighting"));
  const over = choice("over", OVER, setting("over"));
  const runs = choice("which run", RUNS, setting("run"));
  const bar = h("div", "hw-bar", title, model, over.element, weightings.element, runs.element);
  const heads = headGrid(
    setting("selection"),
    (head) => {
      [pointed, spoken] = [head, ""];
      speak();
    },
    signal,
  );
  const map = headMap(
    {
      point: (next) => {
        [place, spoken] = [next, ""];
        speak();
      },
      pin: (query) => {
        [pinned, spoken] = [query, ""];
        speak();
      },
      window: redraw,
      read: () => {
        if (!seen) return;
        const query = pinned ?? place?.query ?? seen.n - 1;
        const keys = strongestKeys(seen, query);
        const of = seen;
        const list = keys.map(({ key, value }) => `${said(of, key)} ${words(value)}`).join(", ");
        spoken = `${heading(seen, query, false).replace("last token", "query")} ${list || "nothing"}`;
        speak();
      },
    },
    signal,
  );
  const toolbar = tools(
    {
      ...{ zoom: map.zoom, whole: map.whole, end: map.end },
      found: (places, go) => {
        found = new Set(places);
        if (go !== null) map.go({ query: go, key: go });
        redraw();
      },
    },
    () => seen?.tokens ?? [],
  );
  const why = h("div", "hw-why");
  const foot = h("div", "hw-foot");
  const footChanges = changing();
  const line = h("div", "hw-line");
  line.setAttribute("role", "status");
  line.setAttribute("aria-live", "polite");
  const about = h("div", "hw-about");
  const strong = strongView((key) => map.go({ query: query(), key }));
  const query = () => pinned ?? (seen?.n ?? 1) - 1;
  const under = h("div", "hw-caption");
  const all = h("div", "hw-all", heads.element, under);
  const one = h("div", "hw-one", toolbar.element, map.element, why);
  one.append(strong.picture, foot, line, about, strong.list);
  const split = h("div", "hw-split", all, one);
  const widthChanges = changing();

  /** Bring the words up to date with the crosshair. */
  const speak = () => {
    if (!seen || !at) return;
    const exact = seen.exact && seen.current ? place : null;
    const value = asking.value(meant(seen), seen.revision, exact);
    const named = pointed ? `head ${nameOf(session, pointed)}` : sentence(seen, place, value);
    say(line, spoken || named);
    for (const part of [strong.picture, about, strong.list]) {
      part.style.visibility = seen.grid ? "" : "hidden"; // of another head, until this one is here
    }
    if (!seen.grid) return;
    const keys = strongestKeys(seen, query());
    say(about, keys.length ? heading(seen, query(), pinned !== null) : "");
    const { label, size } = at;
    strong.draw({ query: query(), keys, tokens: seen.tokens, seen: map.seen(), label, size });
  };

  return {
    children: [bar, split],
    ...{ heads, map, top, about: meant },
    found: () => found,
    empty: (text: string) => {
      say(why, text);
    },
    wide: (width: number) => {
      if (!widthChanges([width])) return;
      one.style.flex = `1 1 ${width}px`;
      for (const part of [toolbar.element, map.element]) part.style.maxWidth = `${width}px`;
    },
    width: (root: HTMLElement) => (root.clientWidth || 720) - 24,
    stale: (ofMap: boolean, ofHeads: boolean, error: boolean) => {
      map.element.hidden = error;
      map.element.classList.toggle("hw-stale", ofMap);
      heads.element.classList.toggle("hw-stale", ofHeads);
    },
    show: (
      next: Seen,
      where: ReturnType<typeof layout>,
      paint: Paint,
      range: number[],
      { silence, edge }: { silence: string; edge: number },
    ) => {
      const others = seen?.tokens !== next.tokens;
      if (seen?.map !== next.map) spoken = "";
      [seen, at] = [next, where];
      if (others) toolbar.search();
      top(next);
      say(why, next.why);
      say(under, caption(next, next.n, edge));
      below(range, notes(next, silence), paint, next.signed);
      speak();
    },
  };

  /** The scale, and what is to be known of the numbers. */
  function below(range: number[], said: [string, boolean][], paint: Paint, signed: boolean): void {
    if (!footChanges([...range, ...said.flat(), paint, signed])) return;
    const ink = h("i", "");
    ink.style.background = gradient(paint.table(signed));
    const [low = "0", high = "1"] = range.map((end) => String(Number(end.toPrecision(2))));
    const spans = said.map(([text, badge]) =>
      h("span", badge ? "hw-badge hw-sketch" : "hw-quiet", text),
    );
    foot.replaceChildren(h("span", "hw-scale", low, ink, high), ...spans);
  }

  /** The title and the choices. */
  function top(now: Seen): void {
    const corrupted = session.get("corrupted_prompt");
    const edits = session.get("edits").length;
    const arrays = corrupted === undefined;
    const prompts = session.get("n_prompts") ?? 1;
    say(title, `head ${nameOf(session, now.head)}`);
    const size = `${now.layers} layers × ${now.heads} heads`;
    say(model, [called(session.get("model")), size].filter(Boolean).join(" · "));
    runs.element.hidden = arrays;
    runs.draw(now.run, {
      corrupted: corrupted ? "" : "there is no corrupted prompt",
      edited: edits ? "" : "there are no edits",
      difference: corrupted || edits ? "" : "there is nothing to compare",
    });
    const lack = arrays ? "arrays hold attention alone: weighting by value needs the model" : "";
    weightings.draw(now.weighting, { value: lack }, WHAT);
    over.element.hidden = prompts < 2 && now.over === "pair";
    const none = now.map.no_mean ?? "";
    const set = `mean of ${prompts}`;
    over.draw(now.over, { set: none }, { set: "mean over the prompt set" }, { pair: "pair", set });
  }
}

function meant({ head, run, weighting, over }: ReturnType<typeof look>): About {
  return { head, run, weighting, over };
}
