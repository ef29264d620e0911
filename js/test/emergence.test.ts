import type { AnyModel } from "@anywidget/types";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { viridis } from "../src/lib/lut";
import type { Look } from "../src/lib/session";
import { encode } from "../src/lib/wire";
import { mountEmergence } from "../src/views/emergence";
import { given } from "../src/views/emergence-circuit";
import { headSeries, seriesOf } from "../src/views/emergence-curves";
import {
  curve,
  firstBelow,
  type Lab,
  LEARNED,
  LEFT,
  type LookAt,
  linesOf,
  mapAt,
  most,
  placeOf,
  type Run,
  tilesAt,
  two,
} from "../src/views/emergence-data";
import { shade } from "../src/views/emergence-heads";
import { apart, linearTicks, short, timeScale } from "../src/views/emergence-scale";
import { FakeModel } from "./fake-model";
import { framesAtOnce } from "./frames";

const pack = (values: number[], shape: number[]) => {
  const [array, data] = encode(Float32Array.from(values), shape);
  return { array, data: new DataView(data) };
};
const FREE = { held: [], head: null, previous: [], others: [] };
/** A run of conditions x steps 0, 10, 20; of two heads a layer, two tokens. */
function made(name: string, conditions: string[], change: Partial<Run> = {}): Run {
  const each = conditions.flatMap((_, k) => [1.7, 0.5, 0.1 + k, 0.2, 0.6, 1]);
  const heads = conditions.flatMap(() => [
    0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0, 0, 0.2, -0.1, 0.9, -0.2,
  ]);
  const maps = [0, 1].flatMap((at) =>
    conditions.flatMap((_, k) => [0, 1, 2, 3].flatMap((head) => [1, 0, at + k / 4, head / 8])),
  );
  return {
    ...{ name, data: "low16", conditions, live: false, state: "finished", why: "", step: 20 },
    ...{ steps: 20, batch: 32, rate: 1e-4, seeds: [5], labels: 5, shape: [2, 2] },
    ...{
      roles: ["0", "1"],
      pairs: true,
      measured: [0, 10, 20],
      checkpoints: [0, 20],
      weights: [20],
    },
    ...{ parts: ["train"], switched: [] },
    clamps: Object.fromEntries(conditions.map((one) => [one, FREE])),
    curves: pack(each, [conditions.length, 1, 2, 3]),
    heads: pack(heads, [conditions.length, 2, 3, 2]),
    patterns: pack(maps, [2, conditions.length, 2, 2, 2, 2]),
    ...change,
  } as Run;
}
const LOOK: LookAt = {
  ...{ run: "one", condition: "none", step: -1, head: "1.0", measure: "loss", part: "train" },
  time: "log",
} as LookAt;

let session: FakeModel<Lab>;
let life: AbortController;
let asked: { name: string; body: unknown }[];
let root: HTMLElement;

beforeEach(() => {
  session = new FakeModel<Lab>({
    ...{ look: LOOK, settled: { one: made("one", ["none"]) }, moving: {}, order: ["one"] },
    ...{ shipped: ["one", "two"], opened: {}, message: "" },
  });
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
  vi.useRealTimers();
});

function show(): void {
  const ask = (name: string, body: Record<string, unknown>) => {
    asked.push({ name, body });
    return Promise.resolve({ body: { code: "x = 1\n" }, buffers: [] });
  };
  const own = new FakeModel({}) as unknown as AnyModel<never>;
  mountEmergence(
    { session: session as unknown as Look, own, ask: ask as never },
    root,
    life.signal,
  );
}
const slider = () =>
  root.querySelector<HTMLInputElement>('input[type="range"]') as HTMLInputElement;
const tile = (head: string) => root.querySelector<HTMLElement>(`[data-head="${head}"]`);
const named = (text: string) =>
  [...root.querySelectorAll("button")].find((one) => one.textContent?.includes(text));
const press = (on: Element | null | undefined, key: string) =>
  on?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const scrubTo = (place: number) => {
  slider().value = String(place);
  slider().dispatchEvent(new Event("input"));
};

test("arrays are read where a line, a part, a step and a head say", () => {
  const [none, clamped] = linesOf([made("one", ["none", "match"])]);
  if (!none || !clamped) throw new Error("two lines are expected");
  expect([...curve(none, "train", "loss")].map((v) => +v.toFixed(3))).toEqual([1.7, 0.5, 0.1]);
  expect(curve(clamped, "train", "loss")[2]).toBeCloseTo(1.1);
  expect(curve(none, "other", "loss").length).toBe(0);
  expect([...tilesAt(none, 19)[1]].map((v) => +v.toFixed(3))).toEqual([0.9, -0.2]);
  expect([...tilesAt(none, 3)[0]].map((v) => +v.toFixed(3))).toEqual([0.1, 0.2]);
  const { values, n } = mapAt(clamped, 1, "1.1");
  expect([n, ...values]).toEqual([2, 1, 0, 1.25, 0.375]);
  expect(firstBelow(none, LEFT)).toBe(320);
  expect(firstBelow(none, LEARNED)).toBe(640);
  expect(firstBelow(clamped, LEARNED)).toBeNaN();
});

test("where no pairs are shown, no phase change is told", () => {
  const [line] = linesOf([made("one", ["none"], { pairs: false })]);
  expect(line && firstBelow(line, LEFT)).toBeNaN();
  session.set("settled", { one: made("one", ["none"], { pairs: false }) });
  show();
  expect(root.textContent).toContain("ln 5: chance");
  expect(root.textContent).not.toContain("ln 2");
});

test("a line is called by what tells it from the others", () => {
  const labels = (...runs: Run[]) => linesOf(runs).map(({ label }) => label);
  expect(labels(made("one", ["none"]))).toEqual(["one"]);
  expect(labels(made("a", ["none", "copy"]), made("b", ["none"]))).toEqual([
    "a: none",
    "copy",
    "b",
  ]);
});

test("a step means the last checkpoint that is not later; -1 the latest", () => {
  expect([-1, 0, 5, 10, 11, 99].map((step) => placeOf([0, 5, 10], step))).toEqual([
    2, 0, 1, 2, 2, 2,
  ]);
  expect(placeOf([], -1)).toBe(-1);
  expect(most(Float32Array.of(Number.NaN, -2, -1))).toBe(1 + 1);
});

test("time is told back from pixels, on both scales", () => {
  for (const log of [true, false]) {
    const scale = timeScale(1000, 60_000, log, 30, 500);
    expect(scale.to(60_000)).toBeCloseTo(530);
    for (const n of [1000, 5000, 20_000]) expect(scale.from(scale.to(n))).toBeCloseTo(n, 3);
    expect(scale.to(0)).toBeCloseTo(30);
    expect(scale.ticks.length).toBeGreaterThan(3);
  }
  expect(linearTicks(60_000, 6)).toEqual([0, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000]);
  expect([0, 950, 1000, 21_500, 1_000_000].map(short)).toEqual(["0", "950", "1k", "21.5k", "1M"]);
});

test("labels stand apart, in their order, and inside", () => {
  const placed = apart([10, 11, 12, 98, 99], 14, 0, 100);
  const sorted = [...placed].sort((a, b) => a - b);
  expect(placed).toEqual(sorted);
  sorted.slice(1).forEach((at, i) => {
    expect(at - (sorted[i] ?? 0)).toBeGreaterThanOrEqual(14 - 1e-9);
  });
  expect(Math.max(...placed)).toBeLessThanOrEqual(100);
});

test("colours are viridis, and the ink can be read on them", () => {
  expect(shade(viridis, 0)).toEqual(["rgb(68 1 84)", "#fff"]);
  expect(shade(viridis, 1)).toEqual(["rgb(253 231 37)", "#000"]);
  expect(shade(viridis, -0.5)).toEqual(shade(viridis, 0));
  expect(shade(viridis, Number.NaN)[0]).toBe("var(--hw-soft)");
});

test("numbers have a true minus, and 0 has none", () => {
  expect([-0.001, -0.26, 0.994, Number.NaN, undefined].map(two)).toEqual([
    ...["0.00", "−0.26", "0.99", "–", "–"],
  ]);
});

test("clamps give steps of the circuit", () => {
  expect([...given(["layer 1", "copy"])]).toEqual(["1", "2", "3v", "5"]);
  expect(given(["match"]).has("4")).toBe(true);
  expect(given([]).size).toBe(0);
});

test("one part of all lines is drawn, or all parts of one; heads: the selected one stands out", () => {
  const lines = linesOf([made("one", ["none", "match"])]);
  const first = lines[0];
  if (!first) throw new Error("a line is expected");
  expect(seriesOf(lines, first, LOOK).map(({ label, strong }) => [label, strong])).toEqual([
    ["match", false],
    ["none", true],
  ]);
  expect(seriesOf(lines, first, { ...LOOK, part: "all" }).map(({ label }) => label)).toEqual([
    "train",
  ]);
  const heads = headSeries(first, "1.1");
  expect(heads.length).toBe(4);
  expect(heads.filter(({ label }) => label).map(({ label }) => label)).toEqual([
    "0.1 previous",
    "1.0 induction",
    "1.1 induction",
  ]);
});

test("scrubbing draws from what is there, asks nobody, and tells Python once", () => {
  show();
  expect(root.dataset.hwState).toBe("ready");
  expect(root.dataset.hwStep).toBe("20");
  expect(tile("1.0")?.textContent).toBe("1.00.90");
  scrubTo(0);
  expect(root.dataset.hwStep).toBe("0");
  expect(tile("1.0")?.textContent).toBe("1.00.00");
  expect(session.get("look").step).toBe(0);
  scrubTo(1);
  expect(session.get("look").step).toBe(-1);
  expect(asked).toEqual([]);
});

test("checkpoints are played, and Python hears of the last", () => {
  vi.useFakeTimers();
  show();
  scrubTo(0);
  named("play")?.click();
  expect(named("stop")).toBeTruthy();
  vi.advanceTimersByTime(100);
  expect(root.dataset.hwStep).toBe("20");
  expect(session.get("look").step).toBe(0);
  vi.advanceTimersByTime(200);
  expect(named("play")).toBeTruthy();
  expect(session.get("look").step).toBe(-1);
});

test("heads are chosen by click and by keys", () => {
  show();
  tile("0.1")?.click();
  expect(session.get("look").head).toBe("0.1");
  expect(tile("0.1")?.getAttribute("aria-selected")).toBe("true");
  const grid = root.querySelector('[role="grid"]');
  press(grid, "ArrowDown");
  press(grid, "Enter");
  expect(session.get("look").head).toBe("1.1");
  expect(root.querySelector<HTMLElement>(".hw-map")?.dataset.hwHead).toBe("1.1");
});

test("values are read by keys", () => {
  show();
  const chart = root.querySelector('[role="application"]');
  press(chart, "Home");
  press(chart, "ArrowRight");
  expect(root.textContent).toContain("loss at 320 sequences, step 10: one 0.5000");
  press(chart, "Enter");
  expect(session.get("look").step).toBe(0);
});

test("a finished run's switches are what the next run begins with", () => {
  show();
  root.querySelector<HTMLElement>('[aria-label="clamp match"]')?.click();
  expect(root.dataset.hwClamped).toBe("match");
  expect(asked).toEqual([]);
  named("train live")?.click();
  expect(asked).toEqual([
    {
      name: "emergence train",
      body: { data: "low16", held: ["match"], head: null, previous: null },
    },
  ]);
  expect(root.dataset.hwState).toBe("busy");
});

test("the heads of layer 1 that look at the token before are chosen, and said", () => {
  const run = made("one", ["none"], { live: true, state: "running" });
  session.set("settled", { one: run });
  show();
  const choice = root.querySelector<HTMLSelectElement>('[aria-label^="heads of layer 1"]');
  if (!choice) throw new Error("a choice of heads is expected");
  const turn = () =>
    root.querySelector<HTMLElement>('[aria-label="clamp previous token"]')?.click();
  const choose = (value: string) => {
    choice.value = value;
    choice.dispatchEvent(new Event("change"));
  };
  expect([...choice.options].map((one) => one.text)).toEqual(["head 0", "head 1", "all heads"]);
  expect(choice.value).toBe("1"); // there is no head 2
  choose("0");
  expect(asked).toEqual([]);
  turn();
  const body = { run: "one", condition: "none", held: ["previous token"], head: null };
  expect(asked.pop()).toEqual({ name: "emergence clamp", body: { ...body, previous: [0] } });
  const held = { held: ["previous token"], head: null, previous: null, others: [] };
  session.set("settled", { one: { ...run, clamps: { none: held } } });
  expect(choice.selectedOptions[0]?.text).toBe("all heads");
  choose("1");
  expect(asked.pop()).toEqual({ name: "emergence clamp", body: { ...body, previous: [1] } });
  root.querySelector<HTMLElement>('[aria-label="clamp copy"]')?.click();
  const both = { ...body, held: ["previous token", "copy"], previous: null };
  expect(asked.pop()).toEqual({ name: "emergence clamp", body: both });
});

test("a run that is begun has the heads that were chosen; others than one or all are said", () => {
  const held = { held: ["previous token"], head: 1, previous: [0, 2], others: [] };
  const run = made("one", ["none"], { shape: [2, 3], clamps: { none: held } });
  session.set("settled", { one: run });
  show();
  const choice = root.querySelector<HTMLSelectElement>('[aria-label^="heads of layer 1"]');
  expect(choice?.selectedOptions[0]?.text).toBe("heads 0, 2");
  root.querySelector<HTMLElement>("button.hw-main")?.click();
  expect(asked.pop()?.body).toEqual({
    ...{ data: "low16", held: ["previous token"], head: 1, previous: [0, 2] },
  });
});

test("a live run is clamped, paused and ended", () => {
  const live = made("one", ["none"], { live: true, state: "running", steps: 40 });
  session.set("settled", {});
  session.set("moving", { one: live });
  show();
  root.querySelector<HTMLElement>('[aria-label="clamp copy"]')?.click();
  named("pause")?.click();
  named("■ end")?.click();
  expect(asked).toEqual([
    {
      name: "emergence clamp",
      body: { run: "one", condition: "none", held: ["copy"], head: null, previous: null },
    },
    { name: "emergence pause", body: { run: "one" } },
    { name: "emergence cancel", body: { run: "one" } },
  ]);
  expect(named("train live")?.hidden).toBe(true);
  session.set("moving", {
    one: { ...live, switched: [{ step: 10, conditions: ["none"], words: "copy" }] },
  });
  expect(root.textContent).toContain("clamp: copy");
});

test("a run that was stopped says why; one without checkpoints is drawn", () => {
  const { curves: _c, heads: _h, patterns: _p, ...rest } = made("one", ["none"], { live: true });
  session.set("settled", {
    one: { ...rest, state: "failed", why: "not finite", measured: [], checkpoints: [], parts: [] },
  });
  show();
  expect(root.textContent).toContain("stopped: not finite");
  expect(slider().disabled).toBe(true);
  expect(root.dataset.hwState).toBe("ready");
});

test("a refusal is said", async () => {
  const own = new FakeModel({}) as unknown as AnyModel<never>;
  const ask = () => Promise.reject(new Error("no such run"));
  mountEmergence(
    { session: session as unknown as Look, own, ask: ask as never },
    root,
    life.signal,
  );
  const add = root.querySelector<HTMLSelectElement>('[aria-label="add a finished run"]');
  if (!add) throw new Error("a choice is expected");
  add.value = "two";
  add.dispatchEvent(new Event("change"));
  await vi.waitFor(() => expect(root.textContent).toContain("no such run"));
  expect(root.dataset.hwState).toBe("error");
});

test("without a kernel it scrubs and selects; what needs one says so", () => {
  Object.assign(session, { live: false });
  show();
  expect(root.textContent).toContain("static copy: run the notebook to train");
  for (const name of ["train live", "open in a session", "copy as Python"])
    expect(named(name)?.disabled).toBe(true);
  for (const one of root.querySelectorAll<HTMLButtonElement>('[role="switch"]'))
    expect(one.disabled).toBe(true);
  scrubTo(0);
  tile("0.0")?.click();
  expect([root.dataset.hwStep, root.dataset.hwHead]).toEqual(["0", "0.0"]);
});

test("another line brings its own strongest head", () => {
  session.set("settled", { one: made("one", ["none"]), two: made("two", ["none"]) });
  session.set("order", ["one", "two"]);
  session.set("look", { ...LOOK, head: "0.0" });
  show();
  named("two")?.click();
  expect(session.get("look")).toMatchObject({ run: "two", condition: "none", head: "1.0" });
});

test("nothing listens any more once the view is gone", () => {
  show();
  expect(session.listening).toBeGreaterThan(0);
  life.abort();
  expect(session.listening).toBe(0);
});
