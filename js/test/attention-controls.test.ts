import type { AnyModel } from "@anywidget/types";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { digits, level, limits } from "../src/lib/heatmap";
import { Rpc } from "../src/lib/rpc";
import type { Ask, Looked, Own } from "../src/lib/session";
import { encode } from "../src/lib/wire";
import { mountAttention } from "../src/views/attention";
import { matches } from "../src/views/attention-bar";
import { holds, moved, showing, tileFor, whole, within, zoomed } from "../src/views/map-window";
import { FakeModel } from "./fake-model";
import { framesAtOnce } from "./frames";

const N = 1024;
const EDGE = 512;

function looked(n: number): Looked {
  const edge = Math.min(n, EDGE);
  const values = new Float32Array(edge * edge).fill(0.25);
  const [array, data] = encode(values, [edge, edge]);
  const [small, bytes] = encode(new Uint8Array(6 * 16), [2, 3, 4, 4]);
  const about = {
    revision: 1,
    run: "clean",
    weighting: "raw",
    over: "pair",
    signed: false,
  } as const;
  return {
    ...{ selection: "0.0", run: "clean", weighting: "raw", over: "pair", n_prompts: 2 },
    tokens: Array.from({ length: n }, (_, i) => (i % 100 === 7 ? " Mary" : ` t${i}`)),
    model: { name: "planted", n_layers: 2, n_heads: 3 },
    ...{ edits: [], corrupted_prompt: null, status: "ready", message: "", revision: 1 },
    thumbs: { ...about, array: small },
    thumbs_data: new DataView(bytes),
    map: { ...about, head: "0.0", n, stride: n / edge, array },
    map_data: new DataView(data),
  };
}

let session: FakeModel<Looked>;
let life: AbortController;
let root: HTMLElement;
let asked: { name: string; body: Record<string, unknown>; key: string | undefined }[];
let answer: Ask;

beforeEach(() => {
  vi.useFakeTimers();
  life = new AbortController();
  root = document.createElement("section");
  asked = [];
  answer = async () => new Promise(() => {});
  framesAtOnce();
});
afterEach(() => {
  life.abort();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function show(n: number): HTMLElement {
  session = new FakeModel(looked(n));
  const own = new FakeModel({}) as unknown as AnyModel<Own>;
  const ask: Ask = (name, body = {}, options = {}) => {
    asked.push({ name, body, key: options.key });
    return answer(name, body, options);
  };
  mountAttention({ session, own, ask }, root, life.signal);
  return root;
}

function press(key: string, more: KeyboardEventInit = {}): void {
  const map = root.querySelector('[role="application"]');
  map?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...more }));
}

const line = () => root.querySelector(".hw-line")?.textContent;
const named = (label: string) =>
  root.querySelector<HTMLButtonElement>(`button[aria-label^="${label}"]`);
const choice = (text: string) =>
  [...root.querySelectorAll<HTMLButtonElement>(".hw-runs button")].find(
    (button) => button.textContent === text,
  );

test("the exact value comes after a rest, and only for the last place", async () => {
  const [header, data] = encode(new Float32Array([0.1]), [1]);
  answer = async () => ({ body: { revision: 1, array: header }, buffers: [new DataView(data)] });
  show(16);
  for (const key of ["ArrowUp", "ArrowUp", "ArrowLeft"]) press(key);
  expect(line()).toBe("13 “·t13” → 14 “·t14”: 0.250");
  expect(asked).toEqual([]);
  await vi.advanceTimersByTimeAsync(200);
  expect(asked).toHaveLength(1);
  expect(asked[0]?.body).toMatchObject({ head: "0.0", query: 13, key: 14, weighting: "raw" });
  expect(line()).toBe("13 “·t13” → 14 “·t14”: 0.1");
});

test("an answer of another revision is not shown, and a refusal leaves the bounded value", async () => {
  const [header, data] = encode(new Float32Array([0.1]), [1]);
  answer = async () => ({ body: { revision: 2, array: header }, buffers: [new DataView(data)] });
  show(16);
  press("ArrowUp");
  await vi.advanceTimersByTimeAsync(200);
  expect(line()).toContain("0.250");
  answer = async () => Promise.reject(new Error("no kernel"));
  press("ArrowUp");
  await vi.advanceTimersByTimeAsync(200);
  expect(line()).toContain("0.250");
});

test("zooming into a long map asks for one exact tile and shows it", async () => {
  show(N);
  expect(root.textContent).toContain("1 of 2 × 2 of 1,024 × 1,024 pixels");
  press("End");
  press("+");
  const [array, data] = encode(new Float32Array(EDGE * EDGE).fill(0.5), [EDGE, EDGE]);
  answer = async (_, body) => ({
    body: { ...body, revision: 1, array },
    buffers: [new DataView(data)],
  });
  press("+");
  await vi.advanceTimersByTimeAsync(200);
  const tiles = asked.filter(({ name }) => name === "tile");
  expect(tiles).toHaveLength(1);
  expect(tiles[0]?.body).toMatchObject({ query: 512, key: 512, edge: 512, head: "0.0" });
  expect(root.textContent).toContain("every value in sight");
  press("ArrowUp");
  expect(line()).toContain("0.500");
  press("0");
  expect(root.textContent).toContain("1 of 2 × 2");
});

test("the weighting and what it is over are the session's", () => {
  show(16);
  choice("no bos")?.click();
  expect(session.get("weighting")).toBe("no bos");
  expect(root.dataset.hwState).toBe("busy");
  const how = { weighting: "no bos" as const };
  session.set("map", { ...session.get("map"), ...how });
  session.set("thumbs", { ...session.get("thumbs"), ...how });
  expect(root.dataset.hwState).toBe("ready");
  expect(root.textContent).toContain("first token left out");
  press("Home");
  expect(line()).toContain("left out");
  choice("mean of 2")?.click();
  expect(session.get("over")).toBe("set");
});

test("a mean that there is not cannot be chosen, and says why", () => {
  show(16);
  session.set("map", {
    ...session.get("map"),
    no_mean: "the prompts differ in length: 3, 4 tokens",
  });
  choice("mean of 2")?.click();
  expect(session.get("over")).toBe("pair");
  expect(choice("mean of 2")?.title).toContain("3, 4 tokens");
});

test("value-weighted says that the thumbnails are not", () => {
  show(16);
  choice("value")?.click();
  session.set("map", { ...session.get("map"), weighting: "value" });
  expect(root.dataset.hwState).toBe("ready");
  expect(root.querySelector(".hw-caption")?.textContent).toContain("raw attention, not weighted");
  expect(root.textContent).toContain("takes most from");
});

test("a search counts, goes from match to match, and forgets", () => {
  show(N);
  const field = root.querySelector<HTMLInputElement>("input");
  if (!field) throw new Error("there is no field");
  const enter = () => field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
  field.value = "·mary";
  field.dispatchEvent(new Event("input"));
  const count = () => root.querySelector(".hw-count")?.textContent;
  expect(count()).toBe("11");
  enter();
  expect(count()).toBe("1 of 11");
  enter();
  expect(line()).toContain("107 “·Mary” → 107");
  field.value = "nobody";
  field.dispatchEvent(new Event("input"));
  expect(count()).toBe("none");
});

test("R reads the row aloud, and the buttons do what the keys do", () => {
  show(16);
  session.set(
    "tokens",
    session.get("tokens").map((token, i) => (i === 1 ? "\u202eb\n" : token)),
  );
  press("R");
  expect(line()).toContain("query: 15 “·t15” looks at 0 “·t0” 0.250, 1 “‹202e›b⏎” 0.250");
  press("ArrowUp");
  expect(line()).not.toContain("looks at");
  named("jump to the last token")?.click();
  expect(line()).toContain("15 “·t15” → 15");
  named("zoom in")?.click();
  named("the whole map")?.click();
});

test("a window stays on the map, keeps its place in zooming, and follows the crosshair", () => {
  expect(within({ query: -5, key: 900, span: 400 }, 1000)).toEqual({
    query: 0,
    key: 600,
    span: 400,
  });
  const near = zoomed(whole(1000), 1000, 0.5, { query: 999, key: 0 });
  expect(near).toEqual({ query: 500, key: 0, span: 500 });
  expect(zoomed(near, 1000, 100, { query: 999, key: 0 })).toEqual(whole(1000));
  expect(zoomed(whole(4), 4, 0.5, { query: 0, key: 0 })).toEqual(whole(4));
  expect(moved(near, 1000, -900, 20)).toEqual({ query: 0, key: 20, span: 500 });
  expect(showing(near, 1000, { query: 2, key: 501 })).toEqual({ query: 2, key: 2, span: 500 });
  const from = tileFor({ query: 700, key: 0, span: 100 }, 1024, 512);
  expect(from).toEqual({ query: 494, key: 0 });
  expect(holds({ ...from, rows: 512, columns: 512 }, { query: 700, key: 0, span: 100 })).toBe(true);
  expect(holds({ ...from, rows: 512, columns: 512 }, { query: 400, key: 0, span: 100 })).toBe(
    false,
  );
});

test("a float32 has its own digits and no more", () => {
  for (const value of [0.1, 1 / 3, 1e-9, -2.5, 0, 16777216].map(Math.fround)) {
    expect(Math.fround(Number(digits(value).replaceAll("−", "-")))).toBe(value);
  }
  expect(digits(Math.fround(0.1))).toBe("0.1");
  expect(digits(Number.NaN)).toBe("not a number");
});

test("the scale is fitted to what is weighted", () => {
  const values = new Float32Array([0, 0.2]);
  expect(limits(values, false)).toEqual([0, 1]);
  expect(limits(values, false, true)[1]).toBeCloseTo(0.2);
  expect(level(0.2, [0, 0.2])).toBe(255);
  expect(matches([" a", "\n", "b"], "⏎")).toEqual([1]);
});

test("buffers that a host drops are asked for again, and found in a trait", async () => {
  vi.useRealTimers();
  // biome-ignore lint/suspicious/noExplicitAny: any model can carry requests
  const model = new FakeModel<any>({ carried: {} });
  const rpc = new Rpc(model, life.signal);
  const got = rpc.request("value", {}, { key: "v" });
  const sent = (i: number) => model.sent[i] as { id: string; via?: string };
  model.receive({ kind: "res", id: sent(0).id, status: "ok", body: {}, buffers: 1 });
  expect(sent(1)).toMatchObject({ name: "value", via: "traits", key: "v" });
  model.receive({ kind: "res", id: sent(1).id, status: "ok", body: { a: 1 }, carried: 1 });
  expect(rpc.waiting).toBe(1);
  const data = new DataView(new ArrayBuffer(4));
  model.set("carried", { id: "another", buffers: [] });
  model.set("carried", { id: sent(1).id, buffers: [data] });
  expect(await got).toEqual({ body: { a: 1 }, buffers: [data] });
  expect(rpc.waiting).toBe(0);
  rpc.request("tile").catch(() => {});
  expect(sent(2).via).toBe("traits");
});
