// The circuit of an induction head as its five steps, each with a clamp switch where there is one;
// how wide a path is follows what the heads do at the step that is looked at.

import { aria, button, h, on } from "../lib/dom";
import { type Held, two } from "./emergence-data";
import { svg } from "./emergence-svg";
import { choice, select } from "./panel-parts";

interface Step {
  number: string;
  name: string;
  /** Of subcircuit A, B or C. */
  of: string;
  says: string;
  /** The switch that it has, and what that one gives. */
  clamp?: string;
}

export const PREVIOUS = "previous token";
export const STEPS: Step[] = [
  {
    ...{ number: "1", name: "previous-token attention", of: "A", clamp: PREVIOUS },
    says: "clamp, by layer 1: ",
  },
  {
    ...{ number: "2", name: "previous-token copy", of: "A", clamp: "layer 1" },
    says: "clamp: 1, 2 given, layer 1 is out",
  },
  {
    ...{ number: "3", name: "routing into q, k and v", of: "BC" },
    says: "given with 4 (q, k) and with 5 (v)",
  },
  {
    ...{ number: "4", name: "match", of: "B", clamp: "match" },
    says: "clamp: 1 to 4 given",
  },
  {
    ...{ number: "5", name: "copy", of: "C", clamp: "copy" },
    says: "clamp: 3v and 5 given",
  },
];
const GIVES: Record<string, string[]> = {
  [PREVIOUS]: ["1"],
  "layer 1": ["1", "2"],
  match: ["1", "2", "3q", "3k", "4"],
  copy: ["3v", "5"],
};

/** The steps that clamps give. */
export const given = (held: string[]): Set<string> =>
  new Set(held.flatMap((name) => GIVES[name] ?? []));

export interface Strengths {
  /** The best previous-token score, the best induction strength, train accuracy: 0 to 1. */
  previous: number;
  match: number;
  right: number;
}

export interface Shown {
  held: Held;
  heads: number;
  /** The heads of layer 1 that "previous token" holds, or would. */
  previous: number[];
  strengths: Strengths;
  /** Whether switches can be moved, and why not. */
  able: boolean;
  why: string;
  /** What switching does just now. */
  words: string;
}

export function circuitView(
  toggle: (name: string) => void,
  alone: (head: number | null) => void,
  looking: (heads: number[]) => void,
) {
  const picture = h("div", "hw-circuit");
  const before = choiceOfHeads(looking);
  const rows = STEPS.map((step) => row(step, toggle, step.clamp === PREVIOUS && before.element));
  const list = aria(h("ol", "hw-steps5", ...rows.map((one) => one.element)), {
    label: "the circuit's five steps",
  });
  const heads = select("heads of layer 2 that work", []);
  on(heads, "change", () => alone(heads.value === "" ? null : Number(heads.value)));
  const words = aria(h("div", "hw-small hw-two"), { role: "status" });
  const foot = h("div", "hw-line hw-small", "layer 2 works with", heads);
  const element = h("div", "", picture, list, foot, words);
  let drawn = "";

  function draw(shown: Shown): void {
    const fixed = given(shown.held.held);
    const key = JSON.stringify([[...fixed], shown.strengths]);
    if (key !== drawn) {
      drawn = key;
      picture.replaceChildren(diagram(fixed, shown.strengths));
    }
    for (const one of rows) one.draw(shown, fixed);
    before.draw(shown);
    const listed = String(shown.heads);
    if (heads.dataset.listed !== listed) {
      heads.dataset.listed = listed;
      const each = Array.from({ length: shown.heads }, (_, i) =>
        choice(String(i), `head ${i} alone`),
      );
      heads.replaceChildren(choice("", "all its heads"), ...each);
    }
    const value = shown.held.head === null ? "" : String(shown.held.head);
    if (heads.value !== value) heads.value = value;
    heads.disabled = !shown.able;
    const others = shown.held.others.length
      ? ` · also clamped: ${shown.held.others.join(", ")}`
      : "";
    const text = (shown.able ? shown.words : shown.why) + others;
    if (words.textContent !== text) words.textContent = text;
  }
  return { element, draw };
}

/** Which heads of layer 1 look at the token before: one, or all. */
function choiceOfHeads(looking: (heads: number[]) => void) {
  const element = select("heads of layer 1 that look at the token before", []);
  on(element, "change", () => looking(element.value.split(",").map(Number)));
  let listed = "";
  function draw({ heads, previous, able }: Shown): void {
    const every = Array.from({ length: heads }, (_, i) => i);
    const value = previous.join();
    const known = [...every.map(String), every.join()];
    const key = `${heads}|${known.includes(value) ? "" : value}`;
    if (listed !== key) {
      listed = key;
      const others = known.includes(value) ? [] : [choice(value, `heads ${previous.join(", ")}`)];
      const each = every.map((i) => choice(String(i), `head ${i}`));
      element.replaceChildren(...each, choice(every.join(), "all heads"), ...others);
    }
    if (element.value !== value) element.value = value;
    element.disabled = !able;
  }
  return { element, draw };
}

function row(step: Step, toggle: (name: string) => void, more: HTMLElement | false) {
  const number = aria(h("span", "hw-number", step.number), { role: "img" });
  const tags = [...step.of].map((of) => h("span", `hw-of hw-of-${of}`, of));
  const { clamp } = step;
  const turn = clamp
    ? aria(
        button("clamp", () => toggle(clamp)),
        { role: "switch", label: `clamp ${clamp}` },
      )
    : undefined;
  if (turn) turn.className = "hw-switch";
  const name = h("div", "hw-name", h("b", "", step.name), ...tags);
  const middle = h("div", "", name, h("div", "hw-small", step.says, ...(more ? [more] : [])));
  const element = h("li", "hw-step", number, middle, ...(turn ? [turn] : []));
  const own = step.of === "BC" ? ["3q", "3k", "3v"] : [step.number];

  function draw(shown: Shown, fixed: Set<string>): void {
    const is = own.some((one) => fixed.has(one));
    element.classList.toggle("hw-given", is);
    aria(number, { label: is ? `step ${step.number}, given` : `step ${step.number}` });
    if (!turn || !clamp) return;
    const checked = shown.held.held.includes(clamp);
    aria(turn, { checked });
    const said = checked ? "clamped" : "clamp";
    if (turn.textContent !== said) turn.textContent = said;
    turn.disabled = !shown.able;
  }
  return { element, draw };
}

const AT = { xa: 44, ya: 104, xb: 164, yb: 224, xq: 300 };
const ROWS = { embed: 158, one: 106, two: 50, out: 14 };

/** The streams of five tokens, and the paths of the circuit between them. */
function diagram(fixed: Set<string>, { previous, match, right }: Strengths): SVGElement {
  const names = ["x a", "y a", "x b", "y b", "x q"];
  const columns = Object.values(AT);
  const streams = columns.flatMap((x, i) => {
    const [word = "", under = ""] = (names[i] ?? "").split(" ");
    const sub = svg("tspan", { dy: 3, "font-size": 9 }, under);
    const place = { x, y: ROWS.embed + 20, "text-anchor": "middle", class: "hw-label" };
    return [
      svg("line", { x1: x, x2: x, y1: ROWS.embed, y2: ROWS.two, class: "hw-stream" }),
      ...[ROWS.embed, ROWS.one, ROWS.two].map((y) =>
        svg("circle", { cx: x, cy: y, r: 3.5, class: "hw-node" }),
      ),
      svg("text", place, word, sub),
    ];
  });
  const arc = (d: string, of: string, value: number, faint = false) => {
    const share = Math.min(1, Math.max(0, Number.isFinite(value) ? value : 0));
    const width = (1.2 + 4.3 * share).toFixed(2);
    const opacity = ((faint ? 0.45 : 1) * (0.3 + 0.7 * share)).toFixed(2);
    return svg("path", { d, class: `hw-flow hw-of-${of}`, "stroke-width": width, opacity });
  };
  const up = (from: number, to: number) =>
    `M${from},${ROWS.embed}C${from},${ROWS.one + 18} ${to},${ROWS.embed - 16} ${to},${ROWS.one}`;
  const over = `M${AT.ya},${ROWS.one}C${AT.ya},${ROWS.two + 14} ${AT.xq - 70},${ROWS.two + 30} ${AT.xq},${ROWS.two}`;
  const one = fixed.has("1") ? 1 : previous;
  const four = fixed.has("4") ? 1 : match;
  const paths = [
    arc(up(AT.xa, AT.ya), "A", one),
    arc(up(AT.xb, AT.yb), "A", one, true),
    arc(over, "B", four),
    arc(`M${AT.xq},${ROWS.two}L${AT.xq},${ROWS.out + 8}`, "C", right),
  ];
  const badge = (x: number, y: number, number: string, of: string) => {
    const is = fixed.has(number);
    const kind = `hw-badge5 hw-of-${of}${is ? " hw-is" : ""}`;
    const wide = number.length > 1 ? 12 : 9;
    return svg(
      "g",
      { class: kind },
      svg("rect", { x: x - wide, y: y - 9, width: 2 * wide, height: 18, rx: is ? 3 : 9 }),
      svg("text", { x, y: y + 4, "text-anchor": "middle" }, number),
    );
  };
  const badges = [
    badge(58, 139, "1", "A"),
    badge(88, 122, "2", "A"),
    badge(AT.ya, 84, "3k", "B"),
    badge(AT.ya + 30, 73, "3v", "C"),
    badge(AT.xq, 80, "3q", "B"),
    badge(186, 73, "4", "B"),
    badge(244, 67, "5", "C"),
  ];
  const note = (x: number, y: number, words: string, anchor = "start") =>
    svg("text", { x, y, class: "hw-note", "text-anchor": anchor }, words);
  const out = svg("text", { x: AT.xq + 12, y: ROWS.out + 8, class: "hw-label" }, "y");
  out.append(svg("tspan", { dy: 3, "font-size": 9 }, "a"));
  const notes = [
    note(4, ROWS.one + 34, "layer 1"),
    note(4, ROWS.two + 26, "layer 2"),
    note(4, 12, `previous ${two(previous)} · match ${two(match)} · right ${two(right)}`),
  ];
  const label =
    `circuit: previous-token score ${two(previous)}, induction strength ${two(match)}, ` +
    `train accuracy ${two(right)}; given: ${[...fixed].join(", ") || "nothing"}`;
  const all = [...streams, ...paths, ...badges, ...notes, out];
  return svg("svg", { viewBox: "0 0 340 186", role: "img", "aria-label": label }, ...all);
}
