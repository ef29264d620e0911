// A walk: a task step by step on a prompt. Steps on the left or above, the open one beside them.

import { visible } from "../card";
import { aria, button, h, on } from "../lib/dom";
import { css } from "../lib/theme";
import { type Broken, percent, piece, type Step, two, type Walk } from "./together-data";

export const WALKS_STYLE = css`
.hw-together { margin-top: 6px; }
.hw-together h4 { margin: 0 0 4px; font-size: 12px; font-weight: 600; }
.hw-prompt { line-height: 2; margin: 8px 0 4px; }
.hw-tok { border-radius: 3px; padding: 2px; white-space: pre-wrap; position: relative;
  background: color-mix(in srgb, var(--hw-pick) calc(var(--hw-look, 0) * 55%), transparent); }
.hw-tok.hw-asks { box-shadow: 0 0 0 1.5px var(--hw-accent); }
.hw-tok.hw-asked { box-shadow: 0 0 0 1.5px var(--hw-pick); }
.hw-answer { font-weight: 600; margin-left: 6px; }
.hw-key { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin: 0 4px 0 10px;
  vertical-align: -1px; box-sizing: border-box; }
.hw-walk { display: grid; gap: 10px; grid-template-columns: minmax(0, 1fr); margin-top: 8px; }
@container (min-width: 700px) { .hw-walk { grid-template-columns: 252px minmax(0, 1fr); } }
.hw-steps { list-style: none; margin: 0; padding: 2px; outline: none; border-radius: 5px;
  align-self: start; }
.hw-steps:focus-visible { box-shadow: 0 0 0 2px var(--hw-accent); }
.hw-steps li { display: grid; grid-template-columns: 20px minmax(0, 1fr) auto; gap: 0 6px;
  padding: 4px 8px; border: 1px solid var(--hw-line); border-radius: 5px; margin-bottom: 4px;
  cursor: pointer; align-items: baseline; }
.hw-steps li:hover { border-color: var(--hw-quiet); }
.hw-steps li[aria-selected="true"] { box-shadow: inset 0 0 0 2px var(--hw-accent); }
.hw-steps li.hw-lost { border-style: dashed; color: var(--hw-quiet); }
.hw-steps li.hw-off .hw-stepname { text-decoration: line-through; }
.hw-stepname { font-weight: 600; }
.hw-steps li > .hw-mono { text-align: right; }
.hw-mono { font-family: var(--hw-mono); font-size: 12px; }
.hw-steps small { grid-column: 2; color: var(--hw-quiet); font-size: 11px; overflow: hidden;
  text-overflow: ellipsis; white-space: nowrap; }
.hw-steps small + small { grid-column: 3; text-align: right; }
.hw-turn { font-weight: 600; }
.hw-detail { border: 1px solid var(--hw-line); border-radius: 5px; padding: 9px 12px; min-width: 0;
  align-self: start; }
.hw-detail h3 { margin: 0; font-size: 15px; font-weight: 600; }
.hw-detail p { margin: 6px 0; }
.hw-detail .hw-pickhead[aria-pressed="true"] { box-shadow: inset 0 0 0 1.5px var(--hw-pick); }
.hw-bothsides { display: grid; gap: 8px 22px; margin: 8px 0;
  grid-template-columns: repeat(auto-fit, minmax(210px, 1fr)); }
.hw-bars { display: grid; grid-template-columns: max-content minmax(40px, 1fr) max-content;
  gap: 2px 8px; align-items: center; font-size: 12px; }
.hw-bars > span:nth-child(3n) { text-align: right; font-family: var(--hw-mono); }
.hw-bar { height: 9px; position: relative; }
.hw-bar::before { content: ""; position: absolute; left: 50%; top: -2px; bottom: -2px;
  border-left: 1px solid var(--hw-line); }
.hw-bar > i { position: absolute; top: 0; bottom: 0; border-radius: 1px; background: var(--hw-accent); }
.hw-bar > i.hw-less { background: var(--hw-quiet); }
.hw-break { border-top: 1px solid var(--hw-line); padding-top: 8px; margin-top: 8px; display: flex;
  flex-wrap: wrap; gap: 4px 10px; align-items: center; }
.hw-switch { display: inline-flex; align-items: center; gap: 7px; }
.hw-switch i { width: 26px; height: 14px; border-radius: 8px; border: 1px solid var(--hw-quiet);
  position: relative; box-sizing: border-box; }
.hw-switch i::after { content: ""; position: absolute; left: 2px; top: 2px; width: 8px; height: 8px;
  border-radius: 50%; background: var(--hw-quiet); }
.hw-switch[aria-checked="true"] i { background: var(--hw-pick); border-color: var(--hw-pick); }
.hw-switch[aria-checked="true"] i::after { left: 14px; background: var(--hw-bg); }
.hw-together .hw-orders { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 2px 10px;
  margin: 12px 0 8px; font-size: 12px; }
.hw-together .hw-orders dt { color: var(--hw-quiet); font-weight: 400; width: auto; }
.hw-together .hw-orders dd { margin: 0; padding: 0; }
`;

interface Does {
  open: (step: string) => void;
  pick: (head: string) => void;
  toggle: (step: string) => void;
}

export interface WalkState {
  walk: Walk;
  open: string;
  broken: string[];
  cost: Broken | null;
  selection: string;
  /** Why no step can be broken now; "" where it can. */
  idle: string;
}

export function walkPart(act: Does) {
  const id = `hw-${Math.random().toString(36).slice(2)}`;
  const prompt = aria(h("div", "hw-prompt"), { role: "img" });
  const keys = h("div", "hw-small");
  const list = aria(h("ul", "hw-steps"), { role: "listbox", label: "steps of the walk" });
  list.tabIndex = 0;
  const detail = aria(h("section", "hw-detail"), { label: "the open step" });
  const cost = aria(h("div", "hw-small"), { role: "status" });
  const orders = h("dl", "hw-orders");
  const notes = h("div", "hw-small");
  const element = h(
    "div",
    "",
    ...[prompt, keys, h("div", "hw-walk", list, h("div", "", detail, cost)), orders, notes],
  );
  let state: WalkState | undefined;
  const at = () =>
    Math.max(0, state?.walk.steps.findIndex(({ step }) => step === state?.open) ?? 0);
  const go = (to: number) => {
    const steps = state?.walk.steps ?? [];
    const name = steps[Math.max(0, Math.min(steps.length - 1, to))]?.step;
    if (name) act.open(name);
  };
  on(list, "keydown", (event) => {
    const moves: Record<string, number> = {
      ...{ ArrowDown: at() + 1, ArrowRight: at() + 1, ArrowUp: at() - 1, ArrowLeft: at() - 1 },
      ...{ Home: 0, End: 99 },
    };
    const to = moves[event.key];
    const open = state?.walk.steps[at()];
    if (to !== undefined) go(to);
    else if (event.key === "Enter" && open?.head) act.pick(open.head);
    else if (event.key === " " && open?.broken && !state?.idle) act.toggle(open.step);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  on(list, "click", (event) => {
    const name = (event.target as Element).closest<HTMLElement>("li")?.dataset.step;
    if (name) act.open(name);
  });

  function draw(next: WalkState): void {
    state = next;
    const { walk } = next;
    const step = walk.steps[at()];
    list.replaceChildren(...walk.steps.map((one, i) => line(one, i === at(), next, `${id}-${i}`)));
    aria(list, { activedescendant: `${id}-${at()}` });
    if (!step) return;
    prompt.replaceChildren(...tokens(walk, step));
    aria(prompt, {
      label: `${piece(walk.tokens.join(""))} → ${piece(walk.answer)}. ${inWords(step, walk)}`,
    });
    keys.replaceChildren(...legend(step));
    const focused = detail.contains(document.activeElement);
    const role = document.activeElement?.getAttribute("role");
    detail.replaceChildren(...open(step, next, act));
    detail.dataset.step = step.step;
    if (focused) detail.querySelector<HTMLElement>(role ? `[role="${role}"]` : "button")?.focus();
    cost.textContent = together(next);
    orders.replaceChildren(...both(walk));
    const said = [...walk.notes, walk.measured_on, walk.source, walk.incomplete];
    notes.textContent = said.filter(Boolean).join(" · ");
  }
  return { element, draw };
}

function line(step: Step, isOpen: boolean, state: WalkState, id: string): HTMLElement {
  const off = state.broken.includes(step.step);
  const turn = step.differs ? [h("span", "hw-turn", " ⇅")] : [];
  const cost = step.cost === null ? "" : `costs ${percent(step.share)}`;
  const under = step.head ? step.stage : "no head was found";
  const made = h(
    "li",
    `${step.head ? "" : "hw-lost"}${off ? " hw-off" : ""}`,
    h("span", "hw-small", String(step.place)),
    h("span", "hw-stepname", step.step, ...turn),
    h("span", "hw-mono", step.head),
    h("small", "", under),
    h("small", "", cost),
  );
  made.dataset.step = step.step;
  made.id = id;
  const label = [
    `step ${step.place}, ${step.step}`,
    step.head ? `head ${step.head}` : "",
    under,
    cost,
    step.differs ? `here ${step.differs}` : "",
    off ? "broken" : "",
  ];
  return aria(made, {
    ...{ role: "option", selected: isOpen },
    label: label.filter(Boolean).join(", "),
  });
}

/** The prompt, shaded by what the step's head looks at. */
function tokens(walk: Walk, step: Step): (Node | string)[] {
  const made = walk.tokens.flatMap((token, i) => {
    const asks = i === step.query_at ? " hw-asks" : "";
    const asked = i === step.key_at ? " hw-asked" : "";
    const blank = /^ (?=.)/.test(token) ? " " : ""; // outside of the frame
    const text = visible(token.slice(blank.length));
    const one = h("span", `hw-tok${asks}${asked}`, text);
    const look = step.looks[i];
    if (look !== undefined) {
      one.style.setProperty("--hw-look", String(look));
      one.title = `${two(look)} of the attention of ${step.head}`;
    }
    return [blank, one];
  });
  const answer = h("span", "hw-answer", `→ ${piece(walk.answer)}`);
  return [...made, answer, h("span", "hw-small", `  (not ${piece(walk.foil)})`)];
}

function legend(step: Step): (Node | string)[] {
  if (!step.head || step.query_at === null) return [" "];
  const mark = (color: string, fill: boolean) => {
    const made = aria(h("span", "hw-key"), { hidden: true });
    made.style.border = `1.5px solid var(${color})`;
    if (fill) made.style.background = `color-mix(in srgb, var(${color}) 55%, transparent)`;
    return made;
  };
  return [
    ...[mark("--hw-accent", false), `looks (${step.query})`],
    ...[mark("--hw-pick", false), `is looked for (${step.key})`],
    ...[mark("--hw-pick", true), `attention of ${step.head}`],
  ];
}

function inWords(step: Step, walk: Walk): string {
  if (!step.head || step.attention === null) return step.reason;
  const from = `${step.head} looks from “${piece(step.query_token)}” (${step.query})`;
  const own = `at “${piece(step.key_token)}” (${step.key}) with ${two(step.attention)}`;
  const mean = `on average ${two(step.attention_mean)} over ${walk.measured_on}`;
  const other =
    step.looks_at === step.key_at
      ? "nowhere more"
      : `most at “${piece(step.looks_token)}” with ${two(step.looks_attention)}`;
  return `${from} ${own}; ${other}; ${mean}.`;
}

function open(step: Step, state: WalkState, act: Does): HTMLElement[] {
  const title = h("h3", "", `${step.place}  ${step.step}`);
  const sub = h("div", "hw-small", `${step.stage} · kind: ${step.kind}`);
  const says = h("p", "", step.says);
  const asks = step.asks ? [h("p", "hw-small", `query: ${step.asks} · key: ${step.answers}`)] : [];
  if (!step.head) return [title, sub, says, ...asks, h("p", "hw-why", step.reason)];
  const heads = step.heads.split(", ").map((head) => {
    const made = button(head, () => act.pick(head), `select head ${head}`);
    made.className = "hw-pickhead hw-mono";
    return aria(made, { pressed: head === state.selection });
  });
  const found = `${step.verdict}, score ${two(step.score)} (${step.head})`;
  return [
    ...[title, sub, says, ...asks],
    h("div", "hw-acts", ...heads, h("span", "hw-small", found)),
    h("p", "", inWords(step, state.walk)),
    ...(step.qk === null ? [h("p", "hw-why", step.reason)] : [split(step)]),
    breaking(step, state, act),
  ];
}

/** Who wrote the query and who the key. */
function split(step: Step): HTMLElement {
  const over = step.against ? ` above ${step.against}` : "";
  const sides = Object.entries(step.sides).map(([side, parts]) => {
    const most = Math.max(...parts.map(([, value]) => Math.abs(value)), 1e-9);
    const rows = parts.flatMap(([name, value]) => {
      const bar = h("i", value < 0 ? "hw-less" : "");
      const wide = (50 * Math.abs(value)) / most;
      bar.style.cssText = `width:${wide}%;${value < 0 ? "right" : "left"}:50%`;
      const shown = aria(h("span", "hw-bar", bar), { hidden: true });
      return [h("span", "hw-mono", name), shown, h("span", "", two(value))];
    });
    const where = side === "query" ? step.query_token : step.key_token;
    const made = h("div", "hw-bars", ...rows);
    return h("div", "", h("h4", "", `who wrote the ${side} at “${piece(where)}”`), made);
  });
  const sum = `Either side sums to the score, ${two(step.qk)}${over}.`;
  const made = h("div", "", h("div", "hw-bothsides", ...sides), h("div", "hw-small", sum));
  return aria(made, { role: "group", label: "the score, split by who wrote query and key" });
}

function breaking(step: Step, state: WalkState, act: Does): HTMLElement {
  const isOff = state.broken.includes(step.step);
  const knob = button("", () => act.toggle(step.step), `break the step ${step.step}`);
  knob.className = "hw-switch";
  knob.append(h("i", ""), "break it");
  aria(knob, { role: "switch", checked: isOff });
  knob.disabled = Boolean(state.idle);
  if (state.idle) knob.title = state.idle;
  const all = `lead ${two(step.before)} → ${two(step.after)} logits`;
  const costs = `costs ${two(step.cost)} ± ${two(step.se)} (${percent(step.share)}), n = ${step.n}`;
  const here = `here ${two(step.before_here)} → ${two(step.after_here)}`;
  return h(
    "div",
    "hw-break",
    knob,
    h("span", "", `${all}: ${costs}; ${here}`),
    h("span", "hw-small", step.breaks),
  );
}

/** What all that is broken costs together. */
function together({ broken, cost }: WalkState): string {
  if (!broken.length) return "";
  const names = `broken: ${broken.join(", ")}`;
  if (!cost || cost.steps.join() !== broken.join()) return `${names} …`;
  const all = `lead ${two(cost.before)} → ${two(cost.after)} logits`;
  const here = `here ${two(cost.before_here)} → ${two(cost.after_here)}`;
  return `${names} · ${all}, costs ${two(cost.cost)} ± ${two(cost.se)}; ${here}`;
}

/** The survey's order beside the order of the heads here. */
function both(walk: Walk): HTMLElement[] {
  const found = walk.steps.filter((step) => step.here !== null);
  const here = [...found].sort((a, b) => (a.here ?? 0) - (b.here ?? 0));
  const names = (steps: Step[]) => [steps.map(({ step }) => step).join(" → ")];
  if (found.length < 2) return [];
  const different = found.filter((step) => step.differs);
  const said = different.map((step) => `${step.step}: here ${step.differs}`);
  return [
    h("dt", "", "in the survey"),
    h("dd", "", ...names(found)),
    h("dt", "", "here, by layer"),
    h("dd", "", ...names(here)),
    h("dt", "", "⇅ differs"),
    h("dd", "", said.join(" · ") || "in nothing"),
  ];
}
