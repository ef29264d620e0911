import type { AnyModel, Host } from "@anywidget/types";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { layout, readMap, readThumbs, strongest } from "../src/lib/heatmap";
import { reach } from "../src/lib/reach";
import type { Looked, Own } from "../src/lib/session";
import { encode } from "../src/lib/wire";
import { asking, mount } from "../src/session";
import { FakeModel } from "./fake-model";
import { framesAtOnce } from "./frames";

const TOKENS = ["<bos>", " hi", "\n"];
// one head's lower triangle, as rows: [1], [.25, .75], [.5, 0, .5]
const TRIANGLE = new Float32Array([1, 0.25, 0.75, 0.5, 0, 0.5]);

function looked(): Looked & { _esm: string } {
  const [map, data] = encode(TRIANGLE, [6]);
  const [thumbs, bytes] = encode(new Uint8Array(2 * 3 * 9).fill(64), [2, 3, 3, 3]);
  const about = { revision: 1, run: "clean" as const, signed: false };
  return {
    _esm: "the bundle",
    selection: "",
    run: "clean",
    tokens: TOKENS,
    model: { name: "planted", n_layers: 2, n_heads: 3 },
    edits: [],
    corrupted_prompt: null,
    status: "ready",
    message: "",
    revision: 1,
    thumbs: { ...about, array: thumbs },
    thumbs_data: new DataView(bytes),
    map: { ...about, head: "0.0", n: 3, stride: 1, causal: true, array: map },
    map_data: new DataView(data),
  };
}

let session: FakeModel<Looked>;
let own: FakeModel<Own>;
let life: AbortController;
let el: HTMLElement;

beforeEach(() => {
  session = new FakeModel(looked());
  own = new FakeModel<Own>({
    ...{
      session: "anywidget:1",
      view: "attention",
      code: "the bundle",
      tools: "",
      taxonomy: "",
      succession: "",
      emergence: "",
    },
    ...{ apart: false, mirrored: {}, wish: {} },
  });
  life = new AbortController();
  el = document.createElement("div");
  framesAtOnce();
});
afterEach(() => {
  vi.useRealTimers();
  life.abort();
  vi.unstubAllGlobals();
});

const load = async (text: string) => {
  if (!text) throw new Error("there is no bundle");
  return { mount, asking };
};

async function show(host: unknown = { getModel: async () => session }): Promise<HTMLElement> {
  const root = document.createElement("section");
  el.replaceChildren(root);
  life.signal.addEventListener("abort", () => root.remove());
  const [model, found] = [own as unknown as AnyModel<Own>, host as Host];
  const { code, ...rest } = await reach(model, found, life.signal, load);
  code.mount("attention", { ...rest, own: model }, root, life.signal);
  return root;
}

function press(on: Element | null, key: string, more: KeyboardEventInit = {}): void {
  on?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...more }));
}

test("it is complete from traits alone", async () => {
  const root = await show();
  expect(root.dataset.hwState).toBe("ready");
  expect(root.querySelector(".hw-title")?.textContent).toBe("head 0.0");
  expect(root.textContent).toContain("2 layers × 3 heads");
  expect(root.textContent).toContain("last token: 2 “⏎” looks at");
  const strong = [...root.querySelectorAll(".hw-strong li")].map((item) => item.textContent);
  expect(strong).toEqual(["0 <bos>  0.500", "2 ⏎  0.500", "", "", ""]);
  expect(root.querySelectorAll(".hw-arcs path")).toHaveLength(2);
});

test("the grid is one tab stop, moved by arrows, chosen by Enter", async () => {
  const root = await show();
  const grid = root.querySelector('[role="grid"]');
  const cell = root.querySelector('[role="gridcell"]');
  expect(grid?.getAttribute("aria-rowcount")).toBe("2");
  expect(root.querySelectorAll('.hw-heads [tabindex="0"]')).toHaveLength(0);
  for (const key of ["ArrowDown", "ArrowRight", "ArrowDown"]) press(grid, key);
  expect(cell?.getAttribute("aria-label")).toBe("head 1.1");
  expect(session.get("selection")).toBe("");
  press(grid, "End");
  press(grid, "Enter");
  expect(session.get("selection")).toBe("1.2");
  expect(cell?.getAttribute("aria-selected")).toBe("true");
  press(grid, "Home", { ctrlKey: true });
  expect(cell?.getAttribute("aria-label")).toBe("head 0.0");
});

test("another head whose map is on its way is picked at once, then sketched and said to be", async () => {
  const root = await show();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  session.set("selection", "1.2");
  expect(root.dataset.hwState).toBe("busy");
  expect(root.querySelector(".hw-title")?.textContent).toBe("head 1.2");
  expect(root.querySelector<HTMLElement>(".hw-picked")?.hidden).toBe(false);
  expect(root.textContent).not.toContain("thumbnail, enlarged");
  vi.advanceTimersByTime(50);
  expect(root.textContent).toContain("thumbnail, enlarged; every value is on its way");
  vi.advanceTimersByTime(1000);
  expect(root.textContent).toContain("thumbnail, enlarged; the kernel is busy");
  session.set("map", { ...session.get("map"), head: "1.2" });
  expect(root.dataset.hwState).toBe("ready");
  expect(root.textContent).not.toContain("thumbnail, enlarged");
});

test("numbers of an older revision say so", async () => {
  const root = await show();
  session.set("revision", 2);
  expect(root.querySelector(".hw-map")?.classList.contains("hw-stale")).toBe(true);
  expect(root.textContent).toContain("before your edit");
  session.set("map", { ...session.get("map"), revision: 2 });
  expect(root.textContent).not.toContain("before your edit");
});

test("a run that is not there cannot be chosen, and says why", async () => {
  const root = await show();
  const [, corrupted, edited] = root.querySelectorAll<HTMLButtonElement>(
    '[aria-label="which run"] button',
  );
  corrupted?.click();
  expect(session.get("run")).toBe("clean");
  expect(corrupted?.title).toBe("there is no corrupted prompt");
  session.set("edits", [{ kind: "zero", target: "0.0", at: null }]);
  edited?.click();
  expect(session.get("run")).toBe("edited");
  expect(edited?.getAttribute("aria-pressed")).toBe("true");
});

test("keys on the map move the crosshair and pin a query", async () => {
  const root = await show();
  const map = root.querySelector('[role="application"]');
  press(map, "ArrowUp");
  press(map, "ArrowLeft");
  expect(root.querySelector(".hw-line")?.textContent).toBe("1 “·hi” → 1 “·hi”: 0.750");
  press(map, "Enter");
  expect(root.textContent).toContain("pinned: 1 “·hi” looks at");
});

test("a picture that cannot be painted or read says why", async () => {
  const root = await show();
  session.set("map", { revision: 1, run: "clean", head: "0.0", error: "there is no <b>" });
  expect(root.dataset.hwState).toBe("error");
  expect(root.querySelector(".hw-why")?.textContent).toBe("there is no <b>");
  session.set("map", { ...looked().map, array: { dtype: "float32", shape: [7] } });
  expect(root.querySelector(".hw-why")?.textContent).toContain("expected 28 bytes");
});

test("without getModel the widget manager finds the model", async () => {
  own.widget_manager = { get_model: async (id: string) => (id === "1" ? session : null) };
  const root = await show({});
  expect(root.dataset.hwState).toBe("ready");
  expect(own.get("apart")).toBe(false);
});

test("without either, Python's copy on the view is shown and wishes are sent", async () => {
  const root = await show({});
  expect(own.get("apart")).toBe(true);
  expect(root.textContent).toContain("static copy");
  own.set("mirrored", looked());
  expect(root.dataset.hwState).toBe("ready");
  const grid = root.querySelector('[role="grid"]');
  press(grid, "ArrowRight");
  press(grid, "Enter");
  expect(own.get("wish")).toMatchObject({ selection: "0.1", wishes: 1 });
  expect(root.dataset.hwHead).toBe("0.1");
});

test("then a bundle that comes later is heard of on the view as well", async () => {
  const model = own as unknown as AnyModel<Own>;
  const reached = reach(model, undefined, life.signal, load);
  own.set("mirrored", looked());
  const { session: copy } = await reached;
  let heard = 0;
  copy.on("change:taxonomy", () => heard++);
  own.set("taxonomy", "its text");
  expect([copy.get("taxonomy"), copy.get("tools"), heard]).toEqual(["its text", "", 1]);
  life.abort();
  expect(own.listening).toBe(0);
});

test("a view that is gone listens to nothing", async () => {
  await show();
  expect(session.listening).toBeGreaterThan(0);
  life.abort();
  expect(session.listening).toBe(0);
});

test("a causal map unfolds into its square", () => {
  const { map, map_data } = looked();
  const grid = readMap(map, map_data);
  expect([...(grid?.values ?? [])]).toEqual([1, 0, 0, 0.25, 0.75, 0, 0.5, 0, 0.5]);
});

test("everything fits at 480 pixels and beside each other when wide", () => {
  const narrow = layout(456, 12, 12, 40);
  expect(narrow.gridWidth).toBeLessThanOrEqual(456);
  expect(narrow.label + narrow.size).toBeLessThanOrEqual(456);
  const wide = layout(1100, 12, 12, 40);
  expect(wide.wide).toBe(true);
  expect(wide.gridWidth + 28 + wide.label + wide.size).toBeLessThanOrEqual(1100);
  expect(layout(1100, 80, 64, 256).cell).toBeGreaterThanOrEqual(14);
});

test("the strongest keys come first, by size where signed, without zeros", () => {
  expect(strongest(new Float32Array([0.1, 0.7, 0, 0.2]), 2, false)).toEqual([1, 3]);
  expect(strongest(new Float32Array([0.1, -0.7, Number.NaN]), 5, true)).toEqual([1, 0]);
});

test("causal thumbnails unfold into their squares, signed ones around zero", () => {
  const [array, bytes] = encode(new Uint8Array([1, 2, 3, 4, 5, 6]), [1, 2, 3]);
  const about = { array, causal: true, edge: 2 };
  expect(readThumbs({ ...about, signed: false }, new DataView(bytes))?.bytes).toEqual(
    new Uint8Array([1, 0, 2, 3, 4, 0, 5, 6]),
  );
  expect(readThumbs({ ...about, signed: true }, new DataView(bytes))?.bytes).toEqual(
    new Uint8Array([1, 128, 2, 3, 4, 128, 5, 6]),
  );
});
