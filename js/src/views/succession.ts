// The succession lab: scores and one head's matrix, arithmetic, text; see
// headwidgets/widgets/succession_lab.py. What is asked and found is the session's.

import {
  copying,
  "effective OV" as effective,
  "random OV circuits" as random,
} from "../../../headwidgets/widgets/glossary.json";
import { aria, button, h, on } from "../lib/dom";
import { GLOSSARY_STYLE, term } from "../lib/glossary";
import { isLive, STATIC, whenLive } from "../lib/live";
import { whenChanged } from "../lib/model";
import { say, unlessSame } from "../lib/same";
import { called, type Look } from "../lib/session";
import { style } from "../lib/theme";
import type { Mount } from "../views";
import { onLooks, type Paint, paintOf } from "./paint";
import { choice, select } from "./panel-parts";
import type { Asked, Cases, Edits, Labs, Matrix, Scores } from "./succession-data";
import { headList, setBars, variantName } from "./succession-heads";
import { matrixView } from "./succession-matrix";
import { slideView } from "./succession-slide";
import { LAB_STYLE } from "./succession-style";
import { type Pair, textView } from "./succession-text";
import { runner } from "./taxonomy-run";

const KEYS = [
  ...(["lab", "lab_scores", "lab_matrix", "lab_slide", "lab_cases"] as const),
  ...(["selection", "model"] as const),
] as const;
const [NO_MATRIX, NO_SLIDE, NO_CASES]: [Partial<Matrix>, object, Partial<Cases>] = [{}, {}, {}];
const FIRST: Asked = { set: "months", variant: "normed", member: "", residue: 0, strength: 0 };

export const mountSuccession: Mount = ({ session: looked, ask }, root, signal) => {
  const session = looked as unknown as Look<Labs>;
  root.classList.add("hw-root", "hw-succession");
  aria(root, { role: "region", label: "succession lab" });
  const work = runner(looked, ask, () => draw(), signal);
  let pair: Pair | null = null;

  const set = (change: Partial<Asked>) => {
    session.set("lab", { ...asked(), ...change });
    session.save_changes();
  };
  const asked = (): Asked => ({ ...FIRST, ...session.get("lab") });
  const pick = (head: string) => {
    session.set("selection", head);
    session.save_changes();
  };
  const read = (body: Record<string, unknown>, words: string) =>
    work.run("succession text", body, words);

  const said = aria(h("div", "hw-small"), { role: "status" });
  const variant = select("what goes into the heads", []);
  const sets = select("set", []);
  on(variant, "change", () => set({ variant: variant.value }));
  on(sets, "change", () => set({ set: sets.value, member: "" }));
  const score = button("score the heads", () =>
    work.run("succession scores", {}, "scoring every head"),
  );
  const stop = button("cancel", () => work.cancel());
  const heads = headList(pick);
  const bars = h("div", "");
  const matrix = matrixView(chosen);
  const counted = h("div", "hw-small");
  const slide = slideView(set);
  const edits = h("div", "hw-small");
  const text = textView({
    read: (words) => {
      pair = null;
      read({ source: "text", text: words }, "reading your text");
    },
    prompts: () => {
      pair = null;
      read({ source: "prompts" }, "reading the session's prompts");
    },
    lists: () => {
      pair = null;
      read({ source: "lists" }, "reading numbered lists");
    },
    cancel: () => work.cancel(),
    all: () => {
      pair = null;
      draw();
    },
  });
  const scored = h(
    "section",
    "",
    h("h3", "", "heads by ", term("effective OV", effective), " score"),
    h(
      "div",
      "hw-line",
      variant,
      h("span", "hw-small", "tick: the best of 200 ", term("random OV circuits", random)),
      h("span", "hw-small", "★ as the kind successor is scored; raw is the paper's formula"),
    ),
    heads.element,
    bars,
  );
  const drawn = h(
    "section",
    "",
    h("h3", "", "what it writes, by what it looks at"),
    h("div", "hw-line", sets, counted, term("copying", copying)),
    matrix.element,
    matrix.readout,
  );
  const summed = h(
    "section",
    "hw-wide",
    h("h3", "", "arithmetic with the last digit"),
    slide.element,
    edits,
  );
  const texts = h("section", "hw-wide", h("h3", "", "what it does on text"), text.element);
  const steps = h("div", "hw-steps", scored, drawn, summed, texts);
  const title = h("div", "hw-line", h("span", "hw-title", "Succession lab"), score, stop);
  root.replaceChildren(style(LAB_STYLE + GLOSSARY_STYLE), title, said, steps);

  const drawBars = unlessSame((found: Partial<Matrix>, scores: Scores, name: string) =>
    bars.replaceChildren(setBars(found, scores, name)),
  );
  let paint: Paint | undefined;
  /** The theme's colours: the same object, while they are the same. */
  function painted(): Paint {
    const now = paintOf(root);
    if (!paint || looksOf(paint) !== looksOf(now)) paint = now;
    return paint;
  }

  /** A cell was clicked: the cases of that pair, read from lists of ours where there are none. */
  function chosen(row: number, column: number): void {
    const { members = [], following = [], set: name } = session.get("lab_matrix") ?? {};
    const [looks, writes] = [members[row] ?? "", members[column] ?? ""];
    pair = { looks, writes };
    const rows = session.get("lab_cases")?.rows ?? [];
    const there = rows.some((one) => one.because === looks && one.next.trim() === writes);
    if (!there && following[row] === column && isLive(session))
      read({ source: "pair", set: name, member: looks }, `reading lists with ${looks}`);
    draw();
    texts.scrollIntoView?.({ block: "nearest" });
  }

  function fill(node: HTMLSelectElement, options: string[][], value: string): void {
    const listed = options.flat().join();
    if (node.dataset.listed !== listed) {
      node.dataset.listed = listed;
      node.replaceChildren(...options.map(([one = "", words = one]) => choice(one, words)));
    }
    if (node.value !== value) node.value = value;
  }

  function draw(): void {
    const scores = session.get("lab_scores") ?? {};
    const live = isLive(session);
    const now = asked();
    const why = scores.error || work.why;
    const there = Boolean(scores.array);
    score.hidden = there || Boolean(work.now);
    score.disabled = !live;
    stop.hidden = there || !work.now;
    steps.hidden = !there;
    said.className = why && !there ? "hw-why" : "hw-small";
    say(said, there ? line(scores as Scores, now) : (work.now?.words ?? (why || idle(live))));
    let busy = Boolean(work.now);
    if (there) busy = body(scores as Scores, now, live) || busy;
    root.dataset.hwState = why && !there ? "error" : busy ? "busy" : "ready";
  }

  /** Draw the steps; tells whether something is still on its way. */
  function body(scores: Scores, now: Asked, live: boolean): boolean {
    const paint = painted();
    const found = session.get("lab_matrix") ?? NO_MATRIX;
    const slid = session.get("lab_slide") ?? NO_SLIDE;
    const head = found.head ?? session.get("selection") ?? scores.best;
    const wide = (node: HTMLElement) => Math.max(200, (node.clientWidth || 420) - 22);
    fill(
      variant,
      scores.variants.map((one) => [one, variantName(one, scores.kind)]),
      now.variant,
    );
    fill(
      sets,
      scores.sets.map(([name, n]) => [name, `${name} (${n} pairs)`]),
      now.set,
    );
    for (const node of [variant, sets]) node.disabled = !live;
    heads.draw(scores, now.variant, session.get("selection") || head);
    drawBars(found, scores, now.variant);
    matrix.draw(found, paint, wide(drawn));
    const first = matrix.firsts;
    const counts = first
      ? `head ${head}: next first ${first.next} of ${first.asked}, itself first ${first.itself} of ${first.tops.length}`
      : "";
    say(counted, found.error || counts);
    say(edits, editsLine(found));
    slide.draw(slid, now, paint, wide(summed));
    text.draw(session.get("lab_cases") ?? NO_CASES, pair, work.now, work.why, live);
    root.dataset.hwHead = head;
    root.dataset.hwSet = found.set ?? "";
    const same = (part: Partial<Asked> & { head?: string }, names: (keyof Asked)[]) =>
      part.head === (session.get("selection") || head) && names.every((n) => part[n] === now[n]);
    const late =
      !same(found, ["set", "variant"]) || !same(slid, ["set", "variant", "member", "residue"]);
    return live && late;
  }

  function line(scores: Scores, now: Asked): string {
    const why = Object.entries(scores.why).map(([name, one]) => `${name}: ${one}`);
    const by = scores.sets.map(([name, n]) => `${n} ${name}`).join(", ");
    const parts = [called(session.get("model")), `${scores.n} pairs are single tokens (${by})`];
    return [...parts, scores.doubt?.[now.variant], ...why].filter(Boolean).join(" · ");
  }

  const idle = (live: boolean) =>
    live ? "from the weights alone: no prompt is run" : `${STATIC} to score the heads`;
  whenChanged(session, KEYS, draw, signal);
  whenLive(looked, draw, signal);
  onLooks(root, draw, signal);
  const begun = session.get("lab_scores") ?? {};
  if (!begun.array && !begun.error && isLive(session))
    work.run("succession scores", {}, "scoring every head");
  signal.addEventListener("abort", () => root.replaceChildren());
};

const looksOf = (one: Paint): string =>
  [one.ink, one.quiet, one.line, one.pick, one.font, one.inks(true)[128], devicePixelRatio].join();

/** How the edits of the whole set end, beside what the paper says of it. */
function editsLine({ head, set, edits }: Partial<Matrix>): string {
  if (!edits || edits.why !== undefined) return edits?.why ?? "";
  const { right, n, right_within, n_within, paper } = edits as Edits;
  const words = `all edits of ${set} at k = 1, head ${head}: ${right} of ${n} end right`;
  const within = `without carries and wraps ${right_within} of ${n_within}`;
  const theirs = paper ? ` · ${paper}, of how many is not known` : "";
  return `${words}, ${within}${theirs}`;
}
