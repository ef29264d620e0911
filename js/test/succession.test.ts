import type { AnyModel } from "@anywidget/types";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Look } from "../src/lib/session";
import { encode } from "../src/lib/wire";
import { mountSuccession } from "../src/views/succession";
import {
  firsts,
  type Labs,
  ranked,
  type Scores,
  scoreOf,
  top,
  two,
  values,
} from "../src/views/succession-data";
import { FakeModel } from "./fake-model";
import { framesAtOnce } from "./frames";

interface Asked {
  name: string;
  body: Record<string, unknown>;
}

const pack = (data: number[], shape: number[]) => {
  const [array, buffer] = encode(Float32Array.from(data), shape);
  return { array, data: new DataView(buffer) };
};
const SCORES = {
  ...{ variants: ["raw", "normed", "stream"], why: { raw: "no MLP" }, n: 4, shape: [1, 2] },
  ...{ null: { normed: { "micro largest": 0.1 }, stream: { "micro largest": 0.1 } } },
  ...{ sets: [["days", 2]], best: "0.1" },
  // variant, column (micro, macro, copying), head
  ...pack(
    [NaN, NaN, NaN, NaN, NaN, NaN, 0.25, 0.75, 0.2, 0.8, 1, 0, 0.5, 0.5, 0, 0, 0, 0],
    [3, 3, 2],
  ),
};
const MATRIX = {
  ...{ head: "0.1", set: "days", variant: "normed", members: ["a", "b"], following: [1, 0] },
  ...{ bars: [["days", null, 0.75, 0.5]], ...pack([-1, 1, 1, -1], [2, 2]) },
};
const SLIDE = {
  ...{ head: "0.1", set: "days", variant: "normed", member: "a", residue: 2, members: ["a", "b"] },
  ...{ wanted: "a", own: 1, strengths: [0, 0.05] },
  ...pack([0.25, 0.75, 0.875, 0.125], [2, 2]),
};
const CASE = {
  ...{ prompt: 0, position: 1, effect: 2, next: " b", class: "successorship", because: "a" },
  ...{ runner_up: "", runner_up_effect: 0, tokens: ["<bos>", " a"], shares: [0.01, 0.99] },
};
const LAB = { set: "days", variant: "normed", member: "a", residue: 2, strength: 0 };

let session: FakeModel<Labs>;
let life: AbortController;
let asked: Asked[];
let root: HTMLElement;

beforeEach(() => {
  session = new FakeModel({
    ...{ selection: "0.1", model: { name: "made" }, lab: LAB, lab_scores: SCORES },
    ...{ lab_matrix: MATRIX, lab_slide: SLIDE, lab_cases: {} },
  } as unknown as Labs);
  life = new AbortController();
  asked = [];
  root = document.createElement("section");
  document.body.append(root);
  framesAtOnce();
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      disconnect() {}
    },
  );
});
afterEach(() => {
  life.abort();
  root.remove();
  vi.unstubAllGlobals();
});

function show(): void {
  const ask = (name: string, body: Record<string, unknown>) => {
    asked.push({ name, body });
    return new Promise(() => {});
  };
  const own = new FakeModel({}) as unknown as AnyModel<never>;
  mountSuccession(
    { session: session as unknown as Look, own, ask: ask as never },
    root,
    life.signal,
  );
}
const slide = () => root.querySelector<HTMLElement>(".hw-slide") as HTMLElement;
const press = (on: Element, key: string) =>
  on.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));

test("what cannot be asked and scores that say nothing are told, whatever is shown", () => {
  session.set("lab_scores", { ...SCORES, doubt: { [LAB.variant]: "nothing found" } } as never);
  show();
  expect(root.textContent).toContain("raw: no MLP");
  expect(root.textContent).toContain("nothing found");
});

test("heads are ranked by the variant's score, and what cannot be asked is a dash", () => {
  const scores = SCORES as unknown as Scores;
  const table = values(scores);
  expect(ranked(scores, table, "normed").map(({ head }) => head)).toEqual(["0.1", "0.0"]);
  expect(scoreOf(scores, table, "normed", 2, 0)).toBe(1);
  expect(two(scoreOf(scores, table, "raw", 0, 1))).toBe("–");
});

test("a tie has no first", () => {
  expect(top(Float32Array.of(1, 2, 2))).toBe(-1);
  expect(top(Float32Array.of(1, 3, 2))).toBe(1);
  const found = firsts(MATRIX as never, values(MATRIX as never));
  expect([found.next, found.itself, found.asked]).toEqual([2, 0, 2]);
});

test("the slider chooses a row that is there already, and asks nobody", () => {
  show();
  expect(root.dataset.hwState).toBe("ready");
  expect(slide().dataset.hwMost).toBe("b");
  const strength = root.querySelector<HTMLInputElement>('input[type="range"]') as HTMLInputElement;
  strength.value = "0.05";
  strength.dispatchEvent(new Event("input"));
  expect(session.get("lab").strength).toBe(0.05);
  expect(slide().dataset.hwMost).toBe("a");
  expect(slide().dataset.hwShare).toBe("0.875");
  expect(slide().textContent).toContain("wanted at k = 1: a ✓");
  expect(asked).toEqual([]);
});

test("a move of the slider redraws neither heads nor cases nor bars", () => {
  const cases = { head: "0.1", n: 2, wins: 1, of: "text", shares: [], rows: [CASE] };
  session.set("lab_cases", cases as never);
  show();
  const nodes = () =>
    [".hw-labheads tr[data-head]", ".hw-cases li", ".hw-sets span"].map((one) =>
      root.querySelector(one),
    );
  const before = nodes();
  expect(before).not.toContain(null);
  session.set("lab", { ...LAB, strength: 0.05 });
  expect(slide().dataset.hwMost).toBe("a");
  expect(nodes()).toEqual(before);
  for (const [i, node] of nodes().entries()) expect(node).toBe(before[i]);
  session.set("selection", "0.0");
  expect(nodes()[0]).not.toBe(before[0]);
  session.set("lab_cases", { ...cases, of: "another" } as never);
  expect(nodes()[1]).not.toBe(before[1]);
});

test("the variant by which the kind is scored has a star, in list and choice", () => {
  session.set("lab_scores", { ...SCORES, kind: "stream" } as never);
  show();
  const titles = [...root.querySelectorAll(".hw-labheads th")].map((one) => one.textContent);
  expect(titles).toEqual(["head", "", "raw", "normed", "stream ★", "macro", "copies"]);
  expect(root.querySelector("option[value=stream]")?.textContent).toContain("stream ★: W_E + ");
  expect(root.textContent).toContain("★ as the kind successor is scored");
});

test("cases that were not sent are counted, and so are edits", () => {
  const edits = { right: 5, n: 9, right_within: 4, n_within: 6, paper: "the paper: .53" };
  session.set("lab_matrix", { ...MATRIX, edits } as never);
  session.set("lab_cases", {
    ...{ head: "0.1", n: 900, wins: 512, of: "your text", shares: [], rows: [CASE] },
    listed: 200,
  } as never);
  show();
  expect(root.textContent).toContain("wins 512 of 900 positions · listed: the 200 of the largest");
  expect(root.textContent).toContain("here of 512 winning cases; paper: of those in 128 contexts");
  expect(root.textContent).toContain("5 of 9 end right, without carries and wraps 4 of 6");
  expect(root.textContent).toContain("the paper: .53, of how many is not known");
  session.set("lab_matrix", { ...MATRIX, edits: { why: "no residue 0" } } as never);
  expect(root.textContent).toContain("no residue 0");
});

test("what is not there yet is on its way; what was not scored is asked for", () => {
  show();
  session.set("lab", { ...LAB, residue: 3 });
  expect(root.dataset.hwState).toBe("busy");
  session.set("lab_slide", { ...SLIDE, residue: 3 } as never);
  expect(root.dataset.hwState).toBe("ready");
  expect(asked).toEqual([]);
  life.abort();
  life = new AbortController();
  session.set("lab_scores", {});
  show();
  expect(asked.map(({ name }) => name)).toEqual(["succession scores"]);
  expect(root.dataset.hwState).toBe("busy");
});

test("a cell of a pair shows its cases, or has lists with it read", () => {
  session.set("lab_cases", {
    head: "0.1",
    n: 2,
    wins: 1,
    of: "your text",
    shares: [],
    rows: [CASE],
  });
  show();
  const matrix = root.querySelector(".hw-matrix") as HTMLElement;
  expect(root.textContent).toContain("looks at a, writes b: 1 logits (the next member)");
  press(matrix, "Enter");
  expect(asked).toEqual([]);
  expect(root.querySelectorAll(".hw-cases li")).toHaveLength(1);
  expect(root.querySelector(".hw-cases mark")?.textContent).toBe(" a");
  press(matrix, "ArrowDown");
  press(matrix, "ArrowLeft");
  expect(root.textContent).toContain("looks at b, writes a");
  press(matrix, "Enter");
  expect(asked).toEqual([
    { name: "succession text", body: { source: "pair", set: "days", member: "b" } },
  ]);
  expect(root.querySelectorAll(".hw-cases li")).toHaveLength(0);
});

test("keys choose a head, and what came from a model is never markup", () => {
  session.set("lab_cases", {
    ...{ head: "0.1", n: 2, wins: 1, of: "<img>", shares: [] },
    rows: [{ ...CASE, tokens: ["<img src=x>", " \u202eb"], shares: [1], next: "<script>" }],
  });
  show();
  press(root.querySelector('[role="listbox"]') as Element, "End");
  expect(session.get("selection")).toBe("0.0");
  expect(root.querySelector("img, script")).toBeNull();
  expect(root.textContent).toContain("<img src=x> ‹202e›b");
});

test("without a kernel it says so, and the slider still moves", () => {
  Object.assign(session, { live: false });
  show();
  const disabled = [...root.querySelectorAll("button")].filter((one) => one.disabled);
  expect(disabled.map((one) => one.textContent)).toContain("read this text");
  expect(root.dataset.hwState).toBe("ready");
});

test("nothing listens once it is gone", () => {
  show();
  life.abort();
  expect(session.listening).toBe(0);
  expect(root.childElementCount).toBe(0);
});
