import type { AnyModel } from "@anywidget/types";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import glossary from "../../headwidgets/widgets/glossary.json";
import type { Look, Looked } from "../src/lib/session";
import { encode } from "../src/lib/wire";
import type { Edit } from "../src/state";
import { type GridOwn, mountGrid, toggled } from "../src/views/grid";
import {
  filtered,
  printed,
  ranked,
  readTable,
  reasonOf,
  type Table,
} from "../src/views/grid-table";
import { FakeModel } from "./fake-model";
import { framesAtOnce } from "./frames";

const NAN = Number.NaN;
const VERDICTS = ["no", "consistent with", "not measurable here"];

/** Two layers of three heads; values, p and ends of an interval. */
function packed(values = [0.1, 0.9, -0.5, 0, NAN, Number.POSITIVE_INFINITY], signed = true) {
  const p = [0.5, 0.001, 0.2, 1, NAN, 0.001];
  const ends = values.map((value) => value - 0.05).concat(values.map((value) => value + 0.05));
  const [floats, one] = encode(new Float32Array([...values, ...p, ...ends]), [4, 2, 3]);
  const [verdict, two] = encode(new Uint8Array([0, 1, 0, 0, 2, 1]), [2, 3]);
  const [reason, three] = encode(new Int32Array([0, 1, 0, 0, 2, 1]), [2, 3]);
  const bytes = new Uint8Array(1 + one.byteLength + two.byteLength + three.byteLength);
  let at = 1; // so that no array begins where its type would like it
  for (const part of [one, two, three]) {
    bytes.set(new Uint8Array(part), at);
    at += part.byteLength;
  }
  const header = {
    ...{ column: "score", columns: ["value", "p", "low", "high"], signed, revision: 3 },
    ...{ arrays: [floats, verdict, reason], verdicts: VERDICTS, measured_on: "random tokens" },
    reasons: ["{value} is below 0.4; p = {p}", "{value} reaches 0.4", "<b>accuracy</b> at chance"],
  };
  return { table: header, table_data: new DataView(bytes.buffer, 1) };
}

function read(...args: Parameters<typeof packed>): Table {
  const { table, table_data } = packed(...args);
  return readTable(table, table_data) as Table;
}

interface Asked {
  name: string;
  body: Record<string, unknown>;
  options: { signal: AbortSignal; onProgress: (step: object) => void; onSilence: () => void };
  answer: (value?: unknown) => void;
  fail: (error: Error) => void;
}

let session: FakeModel<Looked>;
let own: FakeModel<GridOwn>;
let life: AbortController;
let asked: Asked[];
let root: HTMLElement;

beforeEach(() => {
  session = new FakeModel({
    ...{ selection: "0.1", edits: [], edit_kind: "mean", revision: 3 },
    ...{ model: { name: "planted", n_layers: 2, n_heads: 3 } },
  } as unknown as Looked);
  own = new FakeModel<GridOwn>({
    ...packed(),
    ...{ grid: "grid-1", score: "induction", stale: false, sort: "grid", find: "", only: "" },
    choices: [
      { name: "patch", title: "what restoring does", group: "causal map" },
      { name: "induction", title: "induction · attention", group: "identification" },
    ],
  } as unknown as GridOwn);
  life = new AbortController();
  asked = [];
  root = document.createElement("section");
  framesAtOnce();
});
afterEach(() => {
  life.abort();
  vi.unstubAllGlobals();
});

function show(): HTMLElement {
  const ask = (name: string, body: object, options: object) =>
    new Promise((answer, fail) => asked.push({ name, body, options, answer, fail } as never));
  const model = own as unknown as AnyModel<never>;
  mountGrid(
    { session: session as unknown as Look, own: model, ask: ask as never },
    root,
    life.signal,
  );
  return root;
}

const press = (key: string, more: KeyboardEventInit = {}, on = '[role="grid"]') =>
  root
    .querySelector(on)
    ?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...more }));
const label = () => root.querySelector('[role="gridcell"]')?.getAttribute("aria-label");
const cardOf = () => root.querySelector(".hw-headcard")?.textContent;
const button = (text: string) =>
  [...root.querySelectorAll("button")].find((one) => one.textContent?.startsWith(text));
const settle = () => new Promise((done) => setTimeout(done));

test("the card says what is known of the selected head", () => {
  show();
  expect(root.dataset.hwState).toBe("ready");
  expect(root.dataset.hwRevision).toBe("3");
  expect(cardOf()).toContain("head 0.10.900● consistent with");
  expect(cardOf()).toContain("95 % 0.85 to 0.95p = 0.001");
  expect(cardOf()).toContain("0.900 reaches 0.4");
  expect(root.querySelector(".hw-about")?.textContent).toBe("score · random tokens");
});

test("a badge says what a head is known to be by another score", () => {
  own.set("badges", { "0.1": ["induction", "duplicate token"] } as never);
  show();
  expect(cardOf()).toContain("known here as induction, duplicate token");
  press("ArrowRight");
  press("ArrowLeft");
  expect(label()).toBe("head 0.1, 0.900, consistent with, known as induction and duplicate token");
  press("ArrowRight");
  expect(cardOf()).not.toContain("known here");
});

const CITED = {
  model: "gpt2",
  words: ["Wang et al. 2022 (arXiv 2211.00593)", "paper", "", "a circuit"],
  facts: { "name mover": [["0.1", null, 0, 1, 2, 3]], mover: [["1.0", null, 0, 1, 2, 3]] },
};

test("what others published stands beside what is known here, and the legend tells them apart", () => {
  own.set("badges", { "0.1": ["induction"] } as never);
  session.set("published", CITED as never);
  show();
  const claims = () => root.querySelector<HTMLElement>(".hw-claims");
  expect(claims()?.textContent).toBe("name mover Wang et al. 2022 · paper");
  expect(claims()?.querySelectorAll(".hw-fold")).toHaveLength(1);
  press("ArrowRight");
  expect(claims()?.textContent).toBe("");
  press("ArrowLeft");
  expect(label()).toBe(
    "head 0.1, 0.900, consistent with, known as induction, published as name mover by Wang et al. 2022, paper",
  );
  expect(root.querySelector(".hw-below")?.textContent).toContain(
    "Aknown here by another score 1 headpublished for gpt2 2 heads",
  );
  const term = root.querySelector<HTMLElement>(".hw-term");
  term?.click();
  expect(root.querySelector('[role="tooltip"]')?.textContent).toBe(glossary.published);
  session.set("selection", "1.0");
  expect(root.querySelector('[role="tooltip"]'), "an open meaning stays").not.toBeNull();
  button("ranked")?.click();
  const marked = [...root.querySelectorAll(".hw-option")].filter((one) =>
    one.querySelector(".hw-fold"),
  );
  expect(marked.map((one) => one.firstElementChild?.textContent)).toEqual(["0.1", "1.0"]);
  expect(marked[0]?.getAttribute("aria-label")).toContain("published as name mover");
});

test("a model of which nothing was published has no mark and no legend", () => {
  show();
  expect(root.querySelector(".hw-fold")).toBeNull();
  expect(root.textContent).not.toContain("published");
  expect(root.querySelector<HTMLElement>(".hw-claims")?.hidden).toBe(true);
});

test("arrows move, Enter selects, Space toggles the kind of edit in force", () => {
  show();
  const grid = root.querySelector('[role="grid"]');
  expect(grid?.getAttribute("aria-rowcount")).toBe("2");
  expect(label()).toBe("head 0.1, 0.900, consistent with");
  press("ArrowRight");
  expect(label()).toBe("head 0.2, −0.500, no");
  expect(cardOf()).toContain("head 0.2");
  expect(session.get("selection")).toBe("0.1");
  press("ArrowRight"); // no further than the row
  expect(label()).toContain("head 0.2");
  press("Enter");
  expect(session.get("selection")).toBe("0.2");
  press(" ");
  expect(session.get("edits")).toEqual([{ kind: "mean", target: "0.2", at: null }]);
  expect(label()).toBe("head 0.2, −0.500, no, mean");
  expect(cardOf()).toContain("μ mean 0.2");
  button("⊘")?.click();
  expect(session.get("edit_kind" as "run")).toBe("zero");
  press(" ");
  expect(session.get("edits").map((edit) => edit.kind)).toEqual(["mean", "zero"]);
  press(" ");
  expect(session.get("edits").map((edit) => edit.kind)).toEqual(["mean"]);
  press("End", { ctrlKey: true });
  expect(label()).toBe("head 1.2, +∞, consistent with");
  press("Escape");
});

test("a mouse picks what is under it", () => {
  show();
  const canvas = root.querySelector(".hw-cells canvas") as HTMLElement;
  canvas.dispatchEvent(new MouseEvent("click", { clientX: 24 + 52 * 2 + 5, clientY: 18 + 26 + 5 }));
  expect(session.get("selection")).toBe("1.2");
  canvas.dispatchEvent(new MouseEvent("mousemove", { clientX: 24 + 5, clientY: 18 + 5 }));
  expect(cardOf()).toContain("head 0.0");
  canvas.dispatchEvent(new MouseEvent("mouseleave"));
  expect(cardOf()).toContain("head 1.2");
});

test("ranked, the farthest from zero come first and only rows in sight exist", () => {
  show();
  button("ranked")?.click();
  expect(own.get("sort")).toBe("value");
  const names = [...root.querySelectorAll(".hw-option > :first-child")].map((e) => e.textContent);
  expect(names).toEqual(["1.2", "0.1", "0.2", "0.0", "1.0", "1.1"]);
  const list = '[role="listbox"]';
  press("ArrowDown", {}, list);
  press("Enter", {}, list);
  expect(session.get("selection")).toBe("0.2"); // from 0.1, which was selected
  press("Home", {}, list);
  press(" ", {}, list);
  expect(session.get("edits")[0]?.target).toBe("1.2");
  const many = Float32Array.from({ length: 5120 }, (_, i) => i);
  const big = { ...read(), layers: 80, heads: 64, value: many } as Table;
  expect(ranked(big, new Uint8Array(5120).fill(1))[0]).toBe(5119);
});

test("filters: a layer, a head, a verdict, words of the reason", () => {
  const table = read();
  const kept = (find: string, only = "") => [...filtered(table, find, only)].join("");
  expect(kept("")).toBe("111111");
  expect(kept("1.")).toBe("000111");
  expect(kept("1")).toBe("000111");
  expect(kept("0.2")).toBe("001000");
  expect(kept("consistent")).toBe("010001");
  expect(kept("accuracy")).toBe("000010");
  expect(kept("", "no")).toBe("101100");
  show();
  button("● consistent")?.click();
  expect(own.get("only")).toBe("consistent with");
  expect(root.textContent).toContain("2 of 6 heads");
  button("● consistent")?.click();
  expect(own.get("only")).toBe("");
});

test("reasons are text, their numbers put back", () => {
  expect(reasonOf(read(), 2)).toBe("-0.500 is below 0.4; p = 0.200");
  session.set("selection", "1.1");
  show();
  expect(cardOf()).toContain("<b>accuracy</b> at chance");
  expect(cardOf()).toContain("not a number");
});

test("numbers have as many decimals as the largest needs", () => {
  expect(printed(read(), 0.9)).toBe("0.90");
  expect(printed(read(), -0.001)).toBe("0");
  expect(printed(read([70, 1, 2, 3, 4, 5]), -69.96)).toBe("−70.0");
  expect(printed(read(), NAN)).toBe("–");
});

test("another score is asked for; progress, cancel and failure are said", async () => {
  show();
  const select = root.querySelector("select") as HTMLSelectElement;
  expect([...select.querySelectorAll("optgroup")].map((one) => one.label)).toHaveLength(2);
  select.value = "patch";
  select.dispatchEvent(new Event("change"));
  expect(asked[0]?.body).toEqual({ grid: "grid-1", score: "patch", fresh: false });
  expect(root.dataset.hwState).toBe("busy");
  asked[0]?.options.onProgress({ done: 3, total: 10, label: "heads, patch" });
  expect(root.querySelector("progress")?.value).toBeCloseTo(0.3);
  asked[0]?.options.onSilence();
  expect(root.textContent).toContain("the kernel is busy");
  button("cancel")?.click();
  expect(asked[0]?.options.signal.aborted).toBe(true);
  asked[0]?.fail(Object.assign(new Error("stopped"), { name: "Cancelled" }));
  await settle();
  expect(root.dataset.hwState).toBe("ready");
  expect(select.value).toBe("induction");
  select.value = "patch";
  select.dispatchEvent(new Event("change"));
  asked[1]?.fail(new Error("prompt 0 has no corrupted prompt"));
  await settle();
  expect(root.querySelector(".hw-why")?.textContent).toBe("prompt 0 has no corrupted prompt");
});

test("what is stale is grey and can be measured again", async () => {
  own.set("stale", true);
  show();
  expect(root.querySelector(".hw-stale")).not.toBeNull();
  expect(root.textContent).toContain("before your edit");
  button("measure again")?.click();
  expect(asked[0]?.body).toEqual({ grid: "grid-1", score: "induction", fresh: true });
  own.set("stale", false);
  asked[0]?.answer({ body: {}, buffers: [] });
  await settle();
  expect(root.querySelector(".hw-stale")).toBeNull();
});

test("without a kernel it is read all the same, and says what needs one", () => {
  Object.assign(session, { live: false });
  own.set("stale", true);
  show();
  expect(cardOf()).toContain("head 0.1");
  button("measure again")?.click();
  expect(asked).toHaveLength(0);
  expect(root.textContent).toContain("static copy: run the notebook to measure");
  press(" ");
  expect(session.get("edits")).toEqual([]);
  expect(root.textContent).toContain("static copy: run the notebook to edit");
});

test("a frame alone has no scores to choose and nothing to edit", () => {
  own.set("score", "");
  session.set("edit_kind", undefined as never);
  show();
  expect(root.querySelector("select")?.hidden).toBe(true);
  expect((root.querySelector(".hw-kinds") as HTMLElement).hidden).toBe(true);
  press(" ");
  expect(session.get("edits")).toEqual([]);
});

test("a table that cannot be read is an error, and the page lives on", () => {
  own.set("table_data", new DataView(new ArrayBuffer(3)));
  show();
  expect(root.dataset.hwState).toBe("error");
  expect(root.querySelector(".hw-why")?.textContent).toContain("expected");
});

test("nothing is left after the view is closed", () => {
  show();
  life.abort();
  expect([session.listening, own.listening, root.childElementCount]).toEqual([0, 0, 0]);
});

test("a toggle adds a whole-head edit and takes it away again", () => {
  const placed: Edit = { kind: "patch", target: "1.0", at: "end", into: "corrupted" };
  const both = toggled([placed], "1.0", "patch");
  expect(both).toEqual([placed, { kind: "patch", target: "1.0", at: null, into: "corrupted" }]);
  expect(toggled(both, "1.0", "patch")).toEqual([placed]);
  expect(toggled([], "0.1", "scale")).toEqual([
    { kind: "scale", target: "0.1", at: null, factor: 0.5 },
  ]);
});
