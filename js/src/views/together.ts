// Walks and hand-over: what stands above them, and which is shown.

import { aria, button, h, on } from "../lib/dom";
import { isLive, STATIC } from "../lib/live";
import type { Ask, Look } from "../lib/session";
import { css } from "../lib/theme";
import { HAND_OVER_STYLE, handOver } from "./hand-over";
import { copying } from "./panel-more";
import { select } from "./panel-parts";
import type { Running } from "./taxonomy-run";
import type { Broken, Together } from "./together-data";
import { WALKS_STYLE, walkPart } from "./walks";

export const TOGETHER_STYLE =
  css`
.hw-tabs { display: flex; flex-wrap: wrap; gap: 4px; margin-bottom: 8px; }
.hw-kindview .hw-tabs button { border-color: transparent; border-radius: 0; padding: 2px 10px; }
.hw-kindview .hw-tabs button[aria-selected="true"] { border-bottom: 2px solid var(--hw-accent);
  font-weight: 600; }
.hw-togethertools { display: flex; flex-wrap: wrap; gap: 6px 8px; align-items: center; }
.hw-kindview .hw-togethertools button[aria-checked="true"] { border-color: var(--hw-fg);
  box-shadow: inset 0 0 0 1px var(--hw-fg); font-weight: 600; }
.hw-togethertools label { display: inline-flex; gap: 5px; align-items: center; }
.hw-kindview .hw-togethertools input { height: auto; margin: 0; }
.hw-walkcode textarea { width: 100%; box-sizing: border-box; margin-top: 6px;
  font: 12px/1.45 var(--hw-mono); color: var(--hw-fg); background: var(--hw-bg);
  border: 1px solid var(--hw-line); border-radius: 4px; }
.hw-empty { padding: 26px 10px; text-align: center; color: var(--hw-quiet); }
` +
  WALKS_STYLE +
  HAND_OVER_STYLE;

export const PARTS = ["kinds", "walks", "hand-over"] as const;
export type PartName = (typeof PARTS)[number];
const TITLES: Record<PartName, string> = {
  ...{ kinds: "kinds", walks: "walks", "hand-over": "hand-over" },
};
const TASKS = [
  ["", "the session's prompts"],
  ["ioi", "who is given something"],
  ["options", "which letter is right"],
  ["parity", "odd or even"],
];

/** Tabs over the three parts; arrows go between them. */
export function tabs(choose: (part: PartName) => void) {
  const made = PARTS.map((part) => {
    const one = button(TITLES[part], () => choose(part));
    one.dataset.part = part;
    return aria(one, { role: "tab" });
  });
  const element = aria(h("div", "hw-tabs", ...made), { role: "tablist", label: "parts" });
  on(element, "keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const at = made.indexOf(event.target as HTMLButtonElement);
    if (!step || at < 0) return;
    const next = made[(at + step + made.length) % made.length];
    next?.click();
    next?.focus();
    event.preventDefault();
    event.stopPropagation();
  });
  return {
    element,
    draw: (now: string) => {
      for (const one of made) {
        const is = one.dataset.part === now;
        aria(one, { selected: is });
        one.tabIndex = is ? 0 : -1;
      }
    },
  };
}

export interface TogetherState {
  part: string;
  walk: string;
  step: string;
  broken: string[];
  task: string;
  candidates: boolean;
  found: Together;
  selection: string;
  running: Running | null;
  live: boolean;
}

interface Does {
  set: (name: string, value: unknown) => void;
  pick: (head: string) => void;
  run: (name: string, body: Record<string, unknown>, words: string) => void;
  /** Draw again. */
  again: () => void;
  why: (error: Error) => void;
}

export function together(session: Look, ask: Ask, act: Does) {
  let state: TogetherState | undefined;
  let cost: Broken | null = null;
  const toggle = (step: string) => {
    const now = state?.broken ?? [];
    const next = now.includes(step) ? now.filter((one) => one !== step) : [...now, step];
    act.set("broken", next);
  };
  const walks = walkPart({ open: (step) => act.set("step", step), pick: act.pick, toggle });
  const choices = h("div", "hw-togethertools");
  aria(choices, { role: "radiogroup", label: "which walk" });
  const take = button("walk", () =>
    act.run("walk", { walk: state?.walk ?? "" }, `walking through ${state?.walk}`),
  );
  const task = select("what it is measured on", TASKS);
  on(task, "change", () => act.set("task", task.value));
  const box = h("input", "");
  box.type = "checkbox";
  on(box, "change", () => act.set("candidates", box.checked));
  const measure = button("hand over", () => {
    const body = { task: state?.task ?? "", candidates: Boolean(state?.candidates) };
    act.run("hand over", body, "measuring who hands over to whom");
  });
  const overTools = h(
    "div",
    "hw-togethertools",
    task,
    h("label", "", box, "candidates too"),
    measure,
  );
  const copied = aria(h("span", "hw-small"), { role: "status" });
  const code = async () => {
    const asks = { walk: state?.walk ?? "", steps: off };
    return String((await ask("walk python", asks, { key: "walk python" })).body.python);
  };
  const python = copying("this walk as Python", code, (text) => copied.replaceChildren(text));
  const walkTools = h("div", "hw-togethertools", choices, take, python.copy, copied);
  const walkCode = h("div", "hw-walkcode", python.box);
  const body = h("div", "hw-together");
  const element = h("div", "", walkTools, walkCode, overTools, body);
  /** What is broken now. */
  let off: string[] = [];

  /** Ask what the steps that are off cost together, once for each set of them. */
  let asked = "";
  function price(name: string, steps: string[], stamp: unknown): void {
    const key = JSON.stringify([name, steps]);
    if (key === asked && stamp === priced) return;
    [asked, priced] = [key, stamp];
    if (!steps.length || !isLive(session)) {
      cost = null;
      return;
    }
    ask("break walk", { walk: name, steps }, { key: "break walk" })
      .then(({ body: found }) => {
        cost = found as unknown as Broken;
        act.again();
      })
      .catch(act.why);
  }
  let priced: unknown;

  function draw(next: TogetherState): void {
    state = next;
    const { part, found, running, live } = next;
    element.hidden = part === "kinds";
    if (element.hidden) return;
    walkTools.hidden = walkCode.hidden = part !== "walks";
    overTools.hidden = part !== "hand-over";
    take.disabled = measure.disabled = Boolean(running) || !live;
    if (part === "walks") drawWalk(next);
    else {
      if (task.value !== next.task) task.value = next.task;
      box.checked = next.candidates;
      const over = found.hand_over;
      const names = "Heads that scores are consistent with hand over to later ones: measure it.";
      body.replaceChildren(
        over
          ? handOver({ found: over, selection: next.selection }, act.pick)
          : h("div", "hw-empty", live ? names : STATIC),
      );
    }
  }
  function drawWalk({ walk, found, step, broken, selection, live, running }: TogetherState): void {
    const made = (found.plans ?? []).map(({ name, title }) => {
      const one = button(name, () => act.set("walk", name));
      one.title = title;
      return aria(one, { role: "radio", checked: name === walk });
    });
    const focused = choices.contains(document.activeElement);
    choices.replaceChildren(...made);
    if (focused) made.find((one) => one.getAttribute("aria-checked") === "true")?.focus();
    const one = found.walks?.[walk];
    take.textContent = one ? "walk again" : "walk";
    python.copy.hidden = !one || !live;
    python.copy.disabled = Boolean(running || one?.incomplete || one?.stale);
    if (!one) {
      const first = live ? "Take the walk to see its steps on a prompt." : STATIC;
      body.replaceChildren(h("div", "hw-empty", first));
      return;
    }
    const known = one.steps.filter((each) => each.broken).map((each) => each.step);
    off = broken.filter((name) => known.includes(name));
    price(walk, off, one);
    if (walks.element.parentElement !== body) body.replaceChildren(walks.element);
    const firstFound = one.steps.find((each) => each.head) ?? one.steps[0];
    const isStep = one.steps.some((each) => each.step === step);
    const open = isStep ? step : (firstFound?.step ?? "");
    const idle = live ? (running ? "something is being measured" : "") : STATIC;
    walks.draw({ walk: one, open, broken: off, cost, selection, idle });
  }
  return { element, draw };
}
