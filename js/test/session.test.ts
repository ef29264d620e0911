import type { Experimental, Host } from "@anywidget/types";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { visible } from "../src/card";
import widget, { type SessionExports } from "../src/session";
import { type State, say } from "../src/state";
import { FakeModel } from "./fake-model";
import { framesAtOnce } from "./frames";

const START: State = {
  prompt: "hi",
  corrupted_prompt: null,
  index: 0,
  n_prompts: 1,
  selection: "",
  edits: [],
  metric: null,
  model: { name: "planted", n_layers: 2, n_heads: 4, numerics: "raw" },
  tokens: ["<bos>", " hi"],
  status: "ready",
  message: "",
  progress: 0,
  revision: 1,
};

let model: FakeModel<State>;
let life: AbortController;
let el: HTMLElement;
const experimental = {} as Experimental;
const host = {} as Host;

beforeEach(() => {
  model = new FakeModel({ ...START });
  life = new AbortController();
  el = document.createElement("div");
  framesAtOnce();
});
afterEach(() => vi.unstubAllGlobals());

function show(): HTMLElement {
  const parts = widget();
  parts.initialize({ model, signal: life.signal, experimental });
  parts.render({ model, el, signal: life.signal, host, experimental });
  const root = el.querySelector<HTMLElement>(".hw-root");
  if (!root) throw new Error("no root");
  return root;
}

describe("the card", () => {
  test("is complete from traits alone", () => {
    const root = show();
    expect(root.dataset.hwState).toBe("ready");
    expect(root.dataset.hwRevision).toBe("1");
    for (const words of ["planted", "2 layers × 4 heads", "raw", "n = 1", "none selected"]) {
      expect(root.textContent).toContain(words);
    }
    expect([...root.querySelectorAll(".hw-token")].map((e) => e.textContent)).toEqual([
      "<bos>",
      "·hi",
    ]);
  });

  test("follows the traits", () => {
    const root = show();
    model.set("selection", "1.3");
    model.set("edits", [{ kind: "zero", target: "1.3", at: null }]);
    model.set("revision", 2);
    expect(root.querySelector(".hw-selection")?.textContent).toBe("1.3");
    expect(root.querySelector(".hw-edits")?.textContent).toBe("zero 1.3");
    expect(root.dataset.hwRevision).toBe("2");
  });

  test("shows an error and its reason", () => {
    const root = show();
    model.set("message", "no head 9.9");
    model.set("status", "error");
    expect(root.dataset.hwState).toBe("error");
    expect(root.querySelector("[role=status]")?.textContent).toBe("no head 9.9");
  });

  test("is busy with a way to stop", () => {
    const root = show();
    expect(root.querySelector("button")).toBeNull();
    model.set("progress", 0.25);
    model.set("status", "busy");
    expect(root.textContent).toContain("25 %");
    root.querySelector("button")?.click();
    expect(model.sent).toMatchObject([{ v: 1, kind: "req", name: "cancel" }]);
    model.set("status", "ready");
    expect(root.querySelector("button")).toBeNull();
  });

  test("text from a model is never markup", () => {
    model = new FakeModel({ ...START, tokens: ["</script><img src=x onerror=alert(1)>"] });
    const root = show();
    expect(root.querySelector("img")).toBeNull();
    expect(root.querySelector(".hw-token")?.textContent).toContain("</script>");
  });

  test("a very long prompt is counted, not drawn", () => {
    model = new FakeModel({ ...START, tokens: Array.from({ length: 5000 }, () => "a") });
    const root = show();
    expect(root.querySelectorAll(".hw-token")).toHaveLength(200);
    expect(root.textContent).toContain("and 4800 more");
  });
});

test("two views of one model are independent and leave no listener", () => {
  const parts = widget();
  const first = new AbortController();
  const other = document.createElement("div");
  parts.initialize({ model, signal: life.signal, experimental });
  parts.render({ model, el, signal: first.signal, host, experimental });
  parts.render({ model, el: other, signal: life.signal, host, experimental });
  first.abort();
  model.set("selection", "0.2");
  expect(el.querySelector(".hw-root")).toBeNull();
  expect(other.querySelector(".hw-selection")?.textContent).toBe("0.2");
  life.abort();
  expect(model.listening).toBe(0);
});

test("initialize exports the requests to other widgets", async () => {
  const { request }: SessionExports = widget().initialize({
    model,
    signal: life.signal,
    experimental,
  });
  const asked = request("effect");
  model.receive({ kind: "res", id: model.sent[0]?.id, status: "ok", body: { rows: 1 } });
  expect((await asked).body).toEqual({ rows: 1 });
});

test.each([
  [{ kind: "zero", target: "9.9", at: null }, "zero 9.9"],
  [{ kind: "scale", target: "10.7", at: null, factor: 0.5 }, "scale 10.7 × 0.5"],
  [
    { kind: "patch", target: "9.6", at: ["end", 2], into: "corrupted" },
    "patch 9.6 into corrupted at end, 2",
  ],
  [{ kind: "mean", target: "mlp 3", at: -1 }, "mean mlp 3 at -1"],
] as const)("%o is said as %s", (edit, words) => {
  expect(say({ ...edit, at: edit.at as null })).toBe(words);
});

test("what cannot be seen is written out", () => {
  expect(visible(" a\n\u200b\u202e\u0000")).toBe("·a⏎‹200b›‹202e›‹0›");
});
