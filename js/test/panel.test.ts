import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Cancelled, RequestError } from "../src/lib/rpc";
import type { Own } from "../src/lib/session";
import type { Edit } from "../src/state";
import { mountPanel } from "../src/views/panel";
import {
  type Effect,
  kept,
  listed,
  type OwnTraits,
  type Panel,
  said,
  sentence,
  shared,
  type Traits,
  target,
} from "../src/views/panel-data";
import { FakeModel } from "./fake-model";
import { framesAtOnce } from "./frames";

const zero: Edit = { kind: "zero", target: "1.0", at: null };
const mean: Edit = { kind: "mean", target: "0.1", at: "end" };
const patch: Edit = { kind: "patch", target: "1.1", at: null, into: "clean" };
const row = (value: number | null, half: number | null = null) => ({
  ...{ value, n: 1, note: "" },
  low: half === null || value === null ? null : value - half,
  high: half === null || value === null ? null : value + half,
});
const top = (token: string) => [
  { id: 7, token, logit: 4, p: 0.9, change: [-1, -0.25] as [number, number] },
];

function panel(): Panel {
  return {
    revision: 1,
    top: { clean: top(" apple"), corrupted: top("</b>\n"), edited: top(" apple") },
    why: "",
    waiting: [],
    tokens: {
      clean: { n: 3, pieces: ["<bos>", " red", " apple"], unseen: [] },
      corrupted: { n: 3, pieces: ["<bos>", " red", " \u202ebook"], unseen: [2] },
    },
    first: 2,
    python: "import torch\n",
  };
}

function effect(): Effect {
  return {
    revision: 1,
    metric: "logit of ' apple' minus ' book'",
    rows: {
      ...{ clean: row(40, 2), corrupted: row(-40), edited: row(2.5) },
      ...{ change: row(-37.5), normalised: row(0.53125) },
    },
  };
}

type Asked = [string, Record<string, unknown>];
let session: FakeModel<Traits> & { live?: boolean };
let own: FakeModel<OwnTraits>;
let asked: Asked[];
let answer: (name: string) => Promise<unknown>;
let life: AbortController;
let root: HTMLElement;

beforeEach(() => {
  session = new FakeModel<Traits>({
    ...{ prompt: "red apple", corrupted_prompt: "red book", index: 0, n_prompts: 1 },
    ...{ selection: "1.0", edits: [zero, mean], metric: null, tokens: [], edit_kind: "mean" },
    ...{ model: { name: "planted", n_layers: 2, n_heads: 3 }, status: "ready", message: "" },
    ...{ progress: 0, revision: 1, panel: panel(), effect: effect() },
  });
  own = new FakeModel<OwnTraits>({
    ...{ off: [], continued: {}, panel: "panel-1" },
    ...{ found: {}, found_data: new DataView(new ArrayBuffer(0)), found_stale: false },
  });
  asked = [];
  answer = () => Promise.resolve({ body: {}, buffers: [] });
  life = new AbortController();
  root = document.createElement("section");
  document.body.replaceChildren(root);
  framesAtOnce();
});
afterEach(() => {
  life.abort();
  vi.unstubAllGlobals();
});

function show(): void {
  const ask = (name: string, body: Record<string, unknown> = {}) => {
    asked.push([name, body]);
    return answer(name);
  };
  const models = { session, own: own as unknown as FakeModel<Own>, ask };
  mountPanel(models as never, root, life.signal);
}
const find = <T extends HTMLElement>(selector: string) => root.querySelector<T>(selector) as T;
const named = (name: string) =>
  [...root.querySelectorAll("button")].find(
    (b) => b.textContent === name || b.getAttribute("aria-label") === name,
  ) as HTMLButtonElement;
const chips = () => [...root.querySelectorAll(".hw-chips li button:first-child")];
const press = (node: HTMLElement, key: string, more = {}) =>
  node.dispatchEvent(
    new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }),
  );
const settle = () => new Promise((resolve) => setTimeout(resolve));

test("it shows what the traits hold, as text", () => {
  show();
  expect(root.dataset.hwState).toBe("ready");
  expect(root.querySelectorAll(".hw-tops li").length).toBe(30);
  expect(find('[data-run="corrupted"] li b').textContent).toBe("</b>⏎");
  expect(find(".hw-effect").textContent).toBe(
    "2 edits: −37.500, from 40.000 to 2.500; normalised 0.531",
  );
  expect(root.querySelectorAll(".hw-first").length).toBe(1);
  expect(find(".hw-first i").textContent).toContain("‹202e›");
  expect(find(".hw-metric .hw-number").textContent).toBe("40.000 ± 2.000");
});

test("tokens that training never saw are underlined, and counted in words", () => {
  show();
  const marked = [...root.querySelectorAll<HTMLElement>(".hw-unseen")];
  expect(marked.map((token) => token.textContent)).toEqual(["·‹202e›book"]);
  expect(marked[0]?.title).toContain("never saw");
  expect(root.textContent).toContain("1 that training never saw");
});

test("a toggle keeps its place, undo brings it back", () => {
  show();
  (chips()[0] as HTMLElement).click();
  expect(session.get("edits")).toEqual([mean]);
  expect(own.get("off")).toEqual([{ at: 0, edit: zero }]);
  expect(chips().map((chip) => chip.getAttribute("aria-pressed"))).toEqual(["false", "true"]);
  named("remove mean 0.1 at end").click();
  expect(session.get("edits")).toEqual([]);
  press(chips()[0] as HTMLElement, "z", { ctrlKey: true });
  expect(session.get("edits")).toEqual([mean]);
  named("undo").click();
  expect(session.get("edits")).toEqual([zero, mean]);
  expect(own.get("off")).toEqual([]);
  expect(named("undo").disabled).toBe(true);
  named("reset").click();
  expect(session.get("edits")).toEqual([]);
});

test("an edit is added of the selected head, where a token was chosen", () => {
  show();
  const form = find<HTMLFormElement>("form");
  const [kind, , where] = [...form.querySelectorAll("select")];
  const head = find<HTMLInputElement>('[name="target"]');
  expect(head.value).toBe("1.0");
  session.set("selection", "0.2");
  expect(head.value).toBe("0.2");
  if (kind) kind.value = "scale";
  kind?.dispatchEvent(new Event("change"));
  expect(session.get("edit_kind")).toBe("scale");
  (root.querySelectorAll(".hw-strip button")[1] as HTMLElement).click();
  expect(where?.value).toBe("1");
  form.requestSubmit();
  expect(session.get("edits")[2]).toEqual({ kind: "scale", target: "0.2", at: 1, factor: 0.5 });
  head.value = "7.7";
  head.dispatchEvent(new Event("input"));
  form.requestSubmit();
  expect(form.textContent).toContain("expected a head 0.0 to 1.2");
  expect(session.get("edits").length).toBe(3);
});

test("kinds that no click can make are the row's own: resample, and several heads to keep", () => {
  show();
  const form = find<HTMLFormElement>("form");
  const [kind] = [...form.querySelectorAll("select")] as [HTMLSelectElement];
  const choose = (name: string) => {
    kind.value = name;
    kind.dispatchEvent(new Event("change"));
  };
  const field = (name: string) => find<HTMLInputElement>(`[name="${name}"]`);
  const fill = (name: string, value: string) => {
    field(name).value = value;
    field(name).dispatchEvent(new Event("input"));
  };
  choose("resample");
  expect(session.get("edit_kind")).toBe("mean");
  const hidden = (name: string) => field(name).closest("label")?.hidden;
  expect([hidden("seed"), hidden("factor")]).toEqual([false, true]);
  session.set("revision", 1);
  expect(kind.value).toBe("resample");
  fill("seed", "2.5");
  form.requestSubmit();
  expect(form.textContent).toContain("expected a whole number from 0 as the seed");
  fill("seed", "3");
  form.requestSubmit();
  expect(session.get("edits")[2]).toEqual({
    ...{ kind: "resample", target: "1.0", at: null, seed: 3 },
  });
  choose("keep");
  expect(hidden("seed")).toBe(true);
  expect(field("target").getAttribute("aria-label")).toContain("heads to keep");
  for (const bad of ["mlp 0", "0.0, 7.7", " , "]) {
    fill("target", bad);
    form.requestSubmit();
    expect(form.textContent).toContain("one or more heads to keep, 0.0 to 1.2");
  }
  fill("target", "L1H2; 0.1 1.2,0.0");
  form.requestSubmit();
  expect(session.get("edits")[3]).toEqual({ kind: "keep", target: "0.0, 0.1, 1.2", at: null });
  choose("zero");
  expect(session.get("edit_kind")).toBe("zero");
  expect(field("target").getAttribute("aria-label")).toContain("mlp");
});

test("what only Python can make is shown and switched, and the row says where it is made", () => {
  const path: Edit = {
    ...{ kind: "path", target: "0.1", at: null, receivers: "logits", into: "clean" },
  };
  session.set("edits", [path]);
  show();
  const made = find<HTMLOptGroupElement>("optgroup");
  expect([made.label, made.disabled]).toEqual(["made in Python", true]);
  expect([...made.children].map((one) => one.textContent)).toEqual(["add", "subtract", "path"]);
  expect(chips()[0]?.textContent).toContain("path 0.1 → logits");
  (chips()[0] as HTMLElement).click();
  expect([session.get("edits"), own.get("off")]).toEqual([[], [{ at: 0, edit: path }]]);
  (chips()[0] as HTMLElement).click();
  expect(session.get("edits")).toEqual([path]);
});

test("a refused prompt keeps its text and says why; Escape restores", async () => {
  show();
  const field = find<HTMLTextAreaElement>('[aria-label="prompt"]');
  field.value = "too long";
  answer = () => Promise.reject(new RequestError("InputError", "the prompt has 300 tokens"));
  press(field, "Enter");
  await settle();
  expect(asked).toEqual([["set_prompt", { which: "clean", prompt: "too long" }]]);
  session.set("revision", 1);
  expect(field.value).toBe("too long");
  expect(field.getAttribute("aria-invalid")).toBe("true");
  expect(root.textContent).toContain("the prompt has 300 tokens");
  session.set("message", "the prompt has 300 tokens");
  session.set("status", "error");
  press(field, "Escape");
  expect(field.value).toBe("red apple");
  session.set("revision", 1); // Python has said so, and does until it is asked for something else
  expect(root.textContent).not.toContain("300 tokens");
  session.set("message", "the model is gone");
  expect(find(".hw-effect").textContent).toBe("the model is gone");
  session.set("revision", 1);
  expect(find(".hw-effect").textContent).toBe("the model is gone");
  session.set("status", "ready");
  expect(find(".hw-effect").textContent).toContain("2 edits");
  press(field, "Enter");
  expect(asked.length).toBe(1);
});

test("a token is replaced, by keys alone", async () => {
  show();
  const strip = () => [...root.querySelectorAll<HTMLElement>(".hw-strip button")];
  expect(strip().map((token) => token.tabIndex)).toEqual([0, -1, -1]);
  strip()[0]?.focus();
  press(strip()[0] as HTMLElement, "End");
  expect(document.activeElement).toBe(strip()[2]);
  strip()[2]?.click();
  const field = find<HTMLInputElement>('[name="instead"]');
  expect(document.activeElement).toBe(field);
  field.value = "key";
  press(field, "Enter");
  await settle();
  expect(asked).toEqual([["replace_token", { at: 2, text: "key" }]]);
  expect(document.activeElement).toBe(strip()[2]);
});

test("a pasted table is sent, and stays where it is refused", async () => {
  show();
  named("paste a table").click();
  const field = find<HTMLTextAreaElement>(".hw-table textarea");
  field.value = "clean\tcorupted\na\tb";
  answer = () => Promise.reject(new RequestError("InputError", "line 1, column 2: expected"));
  named("use as prompt set").click();
  await settle();
  expect(find(".hw-table").textContent).toContain("line 1, column 2");
  expect(field.value).toContain("corupted");
  answer = () => Promise.resolve({ body: { n: 1 } });
  named("use as prompt set").click();
  await settle();
  expect(find<HTMLElement>(".hw-table").hidden).toBe(true);
});

test("older numbers are grey and say so", () => {
  show();
  session.set("revision", 2);
  expect(root.dataset.hwState).toBe("busy");
  expect(root.querySelectorAll(".hw-stale").length).toBe(2);
  expect(find<HTMLElement>(".hw-over .hw-badge").style.visibility).toBe("");
});

test("a continuation is kept, and can be cancelled", async () => {
  show();
  let stop: (error: Error) => void = () => {};
  answer = () => new Promise((_, no) => (stop = no));
  named("continue").click();
  expect(named("cancel")).toBeTruthy();
  stop(new Cancelled("cancelled"));
  await settle();
  answer = () =>
    Promise.resolve({ body: { revision: 1, attrs: { clean: " a b", edited: " a c" } } });
  named("continue").click();
  await settle();
  expect(own.get("continued")).toEqual({ revision: 1, clean: " a b", edited: " a c" });
  expect([...root.querySelectorAll("mark")].map((mark) => mark.textContent)).toEqual(["b", "c"]);
});

test("code is copied, or shown where the clipboard is not allowed", async () => {
  const writeText = vi.fn((_: string) => Promise.resolve());
  vi.stubGlobal("navigator", { clipboard: { writeText } });
  show();
  named("copy as Python").click();
  await settle();
  expect(writeText).toHaveBeenCalledWith("import torch\n");
  expect(find<HTMLElement>(".hw-code").hidden).toBe(true);
  writeText.mockRejectedValue(new Error("no"));
  session.set("panel", { ...panel(), python: "" });
  answer = () => Promise.resolve({ body: { python: "import this\n" } });
  named("copy as Python").click();
  await settle();
  expect(asked).toEqual([["as_python", {}]]);
  expect(find<HTMLTextAreaElement>(".hw-code").value).toBe("import this\n");
  expect(find<HTMLElement>(".hw-code").hidden).toBe(false);
});

test("a static copy shows everything and patches nothing", () => {
  session.live = false;
  own.set("off", [{ at: 2, edit: patch }]);
  show();
  expect(root.textContent).toContain("static copy: run the notebook to patch");
  expect(chips().every((chip) => (chip as HTMLButtonElement).disabled)).toBe(true);
  (chips()[0] as HTMLElement).click();
  expect(session.get("edits")).toEqual([zero, mean]);
  expect(named("copy as Python").disabled).toBe(false);
  expect(find<HTMLTextAreaElement>('[aria-label="prompt"]').readOnly).toBe(true);
});

test("nothing is left when the view closes", () => {
  show();
  life.abort();
  expect(session.listening + own.listening).toBe(0);
  expect(root.childNodes.length).toBe(0);
});

test("lists, targets and words", () => {
  const items = listed(
    [zero],
    [
      { at: 9, edit: mean },
      { at: 0, edit: patch },
    ],
  );
  expect(items.map(({ edit }) => edit)).toEqual([patch, zero, mean]);
  expect(kept(items)).toEqual({
    edits: [zero],
    off: [
      { at: 0, edit: patch },
      { at: 2, edit: mean },
    ],
  });
  expect(["1.2", "L1H2", " mlp 0 "].map((text) => target(text, 2, 3))).toEqual([
    "1.2",
    "1.2",
    "mlp 0",
  ]);
  for (const text of ["2.0", "0.3", "mlp 2", "resid 3", "x", ""])
    expect(() => target(text, 2, 3)).toThrow();
  expect([said(-1.5), said(2, 1, true), said(null), said(0.00001)]).toEqual([
    "−1.500",
    "+2.0",
    "–",
    "1e-5",
  ]);
  expect(shared("a👍b", "a👎b")).toBe(1);
  expect(sentence({ why: "no edits yet" }, {}, [])).toBe("no edits yet");
  const rows = { clean: row(1), edited: row(1), change: row(0) };
  expect(sentence({}, { rows }, [zero])).toContain("answer and foil move alike");
  const kl = { rows, metric: "KL", unit: "nats" };
  expect(sentence({}, kl, [zero])).toBe("zero 1.0: logits move, the metric does not");
  const moved = { ...kl, rows: { ...rows, change: row(0.5) } };
  expect(sentence({}, moved, [zero])).toContain("+0.500 nats, from");
  expect(["resid 2", "Resid_0"].map((text) => target(text, 2, 3))).toEqual(["resid 2", "resid 0"]);
});
