import type { AnyModel } from "@anywidget/types";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Look } from "../src/lib/session";
import { type Kinds, type KindsOwn, mountTaxonomy } from "../src/views/taxonomy";
import type { HandOver, Step, Together, Walk } from "../src/views/together-data";
import { FakeModel } from "./fake-model";
import { framesAtOnce } from "./frames";
import { CARDS, packed } from "./taxonomy-made";

const step = (name: string, place: number, more: Partial<Step>): Step => ({
  ...{ step: name, kind: name, stage: "latent reasoning", says: `${name} happens.`, place },
  ...{ asks: "", answers: "", here: place, differs: "", head: "", heads: "", score: 0.5 },
  ...{ verdict: "candidate", query: "end", query_at: 2, query_token: " to", key: "IO" },
  ...{ key_at: 1, key_token: " Mary", attention: 0.75, attention_mean: 0.9, looks_at: 1 },
  ...{ looks_token: " Mary", looks_attention: 0.75, looks: [0.05, 0.75, 0.2], qk: 3, against: "S" },
  sides: {
    query: [["0.3", 2.5] as const, ["1 others", 0.5]].map(([a, b]) => [a, b]) as never,
    key: [],
  },
  ...{ breaks: `path ${name}`, broken: true, before: 10, after: 4, cost: 6, se: 0.5, share: 0.6 },
  ...{ n: 40, before_here: 8, after_here: -2, reason: "" },
  ...more,
});
const WALK: Walk = {
  ...{ title: "", source: "a paper", tokens: ["<bos>", " Mary", " to"], answer: " Mary" },
  ...{ foil: " John", measured_on: "IOI, n = 40", notes: [], incomplete: "", stale: false },
  steps: [
    step("subject", 1, { here: null, reason: "no head was found: none", broken: false, qk: null }),
    step("mover", 2, { head: "1.0", heads: "1.0, 1.1", here: 2, differs: "after teller" }),
    step("teller", 3, { head: "0.1", heads: "0.1", here: 1, differs: "before mover" }),
  ],
};
const stages = ["one", "two", "three", "four"];
const fill = (value: number | null) => stages.map(() => stages.map(() => value));
const OVER: HandOver = {
  ...{ stages, effect: fill(null), se: fill(null), edges: fill(0), n_pairs: 9 },
  pairs: [
    {
      ...{ from: "0.1", to: "1.0", input: "q", effect: -2.5, se: 0.25, n: 8 },
      ...{ stage_from: "three", stage_to: "two" },
    },
  ],
  ...{ heads: { "0.1": ["s-inhibition"], "1.0": ["name mover"] }, clean: 9.5, unit: "logits" },
  ...{ measured_on: "IOI, n = 8", cycling: 0.6, incomplete: "", stale: false },
  skipping: { share: 0.125, n: 8, least: 0.1, reason: "" },
};
OVER.effect[2] = [null, -2.5, null, null];
OVER.se[2] = [null, 0.25, null, null];
OVER.effect[0] = [null, null, null, 1];

interface Asked {
  name: string;
  body: Record<string, unknown>;
  answer: (value?: unknown) => void;
}
let session: FakeModel<Kinds>;
let own: FakeModel<KindsOwn>;
let life: AbortController;
let asked: Asked[];
let root: HTMLElement;

function show(more: object = {}, found: Together = {}): void {
  session = new FakeModel({
    ...{ selection: "", model: { name: "planted", n_layers: 2, n_heads: 2 }, kinds: CARDS },
    ...{ together: { plans: [{ name: "ioi", title: "" }], ...found }, ...packed() },
  } as unknown as Kinds);
  own = new FakeModel({
    ...{ kind: "", stage: "", evidence: "", verdict: "", text: "", part: "walks", walk: "ioi" },
    ...{ step: "", broken: [], task: "ioi", candidates: false, ...more },
  } as unknown as KindsOwn);
  const ask = (name: string, body: object) =>
    new Promise((answer) => asked.push({ name, body, answer } as never));
  const model = own as unknown as AnyModel<never>;
  const look = session as unknown as Look;
  mountTaxonomy({ session: look, own: model, ask: ask as never }, root, life.signal);
}

beforeEach(() => {
  life = new AbortController();
  asked = [];
  root = document.createElement("section");
  document.body.append(root);
  framesAtOnce();
});
afterEach(() => {
  life.abort();
  root.remove();
  vi.unstubAllGlobals();
});

const one = (selector: string) => root.querySelector<HTMLElement>(selector) as HTMLElement;
const detail = () => one(".hw-detail");
const settle = () => new Promise((done) => setTimeout(done));
const press = (key: string) =>
  one('[role="listbox"]').dispatchEvent(
    new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }),
  );

test("before a walk is taken a button asks for it", () => {
  show();
  expect(root.dataset.hwPart).toBe("walks");
  expect(one(".hw-halves").hidden).toBe(true);
  expect(root.textContent).toContain("Take the walk");
  const take = [...root.querySelectorAll("button")].find((b) => b.textContent === "walk");
  take?.click();
  expect(asked.map(({ name, body }) => [name, body])).toEqual([["walk", { walk: "ioi" }]]);
});

test("the first step with a head is open, with its attention and both sides in numbers", () => {
  show({}, { walks: { ioi: WALK } });
  expect(detail().dataset.step).toBe("mover");
  const text = detail().textContent;
  expect(text).toContain("1.0 looks from “to” (end) at “Mary” (IO) with 0.75; nowhere more");
  expect(text).toContain("Either side sums to the score, 3.00 above S");
  expect(text).toContain("lead 10.00 → 4.00 logits: costs 6.00 ± 0.50 (60 %), n = 40");
  const tokens = [...root.querySelectorAll<HTMLElement>(".hw-tok")];
  expect(tokens.map((token) => token.style.getPropertyValue("--hw-look"))).toEqual([
    ...["0.05", "0.75", "0.2"],
  ]);
  expect(tokens[1]?.className).toContain("hw-asked");
  expect(one(".hw-orders").textContent).toContain("mover → teller");
  expect(one(".hw-orders").textContent).toContain("teller → mover");
});

test("tokens that cannot be seen, or turn the direction, are written out", () => {
  const odd = { ...WALK, tokens: ["<bos>", " \u202eMary", "\n"], answer: " \u200b" };
  show({}, { walks: { ioi: odd } });
  expect(root.textContent).toContain("‹202e›Mary⏎→ ‹200b›");
  expect(root.innerHTML).not.toMatch(/[\u202e\u200b]/);
});

test("steps are gone through by keys; one without a head says so and has no switch", () => {
  show({}, { walks: { ioi: WALK } });
  press("Home");
  expect(own.get("step")).toBe("subject");
  expect(detail().textContent).toContain("no head was found: none");
  expect(root.querySelector('[role="switch"]')).toBeNull();
  press(" ");
  expect(own.get("broken")).toEqual([]);
  press("End");
  expect(own.get("step")).toBe("teller");
  press("Enter");
  expect(session.get("selection")).toBe("0.1");
});

test("a switch breaks a step, two break together, and Python says what it costs", async () => {
  show({}, { walks: { ioi: WALK } });
  one('[role="switch"]').click();
  expect(own.get("broken")).toEqual(["mover"]);
  expect(one('[role="switch"]').getAttribute("aria-checked")).toBe("true");
  expect(asked[0]).toMatchObject({ name: "break walk", body: { walk: "ioi", steps: ["mover"] } });
  press("End");
  press(" ");
  expect(asked[1]?.body).toEqual({ walk: "ioi", steps: ["mover", "teller"] });
  const numbers = { before: 10, after: -1.5, cost: 11.5, se: 0.7, n: 40 };
  asked[1]?.answer({
    body: { steps: ["mover", "teller"], ...numbers, before_here: 8, after_here: -6 },
  });
  await settle();
  expect(one('.hw-walk [role="status"]').textContent).toBe(
    "broken: mover, teller · lead 10.00 → −1.50 logits, costs 11.50 ± 0.70; here 8.00 → −6.00",
  );
});

test("the matrix marks what leads back, and says who skips", () => {
  show({ part: "hand-over" }, { hand_over: OVER });
  const back = [...root.querySelectorAll<HTMLElement>(".hw-back")];
  expect(back.map((cell) => [cell.dataset.cell, cell.textContent])).toEqual([
    ["32", "↩ −2.50± 0.25"],
  ]);
  expect(one('[data-cell="14"]').textContent).toBe("1.00± –");
  expect(one('[data-cell="11"]').textContent).toBe("–no path");
  expect(root.textContent).toContain("13 % of 8 prompts skip expression preparation");
  one("[data-pair] button").click();
  expect(session.get("selection")).toBe("0.1");
  const measure = [...root.querySelectorAll("button")].find((b) => b.textContent === "hand over");
  measure?.click();
  expect(asked[0]).toMatchObject({ name: "hand over", body: { task: "ioi", candidates: false } });
});

test("a walk is copied as Python, with what is broken", async () => {
  const copied: string[] = [];
  const writeText = async (text: string) => void copied.push(text);
  vi.stubGlobal("navigator", { ...navigator, clipboard: { writeText } });
  show({ broken: ["teller", "subject"] }, { walks: { ioi: WALK } });
  const copy = [...root.querySelectorAll("button")].find(
    (one) => one.textContent === "copy as Python",
  );
  expect(copy?.hidden).toBe(false);
  copy?.click();
  const question = asked.find(({ name }) => name === "walk python");
  expect(question?.body).toEqual({ walk: "ioi", steps: ["teller"] });
  question?.answer({ body: { python: "import torch\nprint(1)\n" }, buffers: [] });
  await vi.waitFor(() => expect(copied).toEqual(["import torch\nprint(1)\n"]));
  await vi.waitFor(() => expect(root.textContent).toContain("copied, 2 lines"));
});

test("where there is no clipboard, a box holds the code; there is none before a walk", async () => {
  vi.stubGlobal("navigator", {});
  show({}, {});
  const find = () =>
    [...root.querySelectorAll("button")].find((one) => one.textContent === "copy as Python");
  expect(find()?.hidden).toBe(true);
  session.set("together", { plans: [{ name: "ioi", title: "" }], walks: { ioi: WALK } } as never);
  await vi.waitFor(() => expect(find()?.hidden).toBe(false));
  find()?.click();
  asked
    .find(({ name }) => name === "walk python")
    ?.answer({ body: { python: "x = 1\n" }, buffers: [] });
  const box = root.querySelector<HTMLTextAreaElement>(".hw-walkcode textarea");
  await vi.waitFor(() => expect(box?.hidden).toBe(false));
  expect(box?.value).toBe("x = 1\n");
});

test("a walk that was stopped or is old is not copied", () => {
  show({}, { walks: { ioi: { ...WALK, incomplete: "stopped: 1 of 3 steps done" } } });
  const copy = [...root.querySelectorAll("button")].find(
    (one) => one.textContent === "copy as Python",
  );
  expect(copy?.disabled).toBe(true);
});
