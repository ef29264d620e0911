import type { AnyModel } from "@anywidget/types";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Look } from "../src/lib/session";
import type { Mount, Shown } from "../src/views";
import { mountExplore } from "../src/views/explore";
import { FakeModel } from "./fake-model";
import { framesAtOnce } from "./frames";

beforeEach(framesAtOnce);
afterEach(() => vi.unstubAllGlobals());

const shown = {
  session: new FakeModel({}) as unknown as Look,
  own: new FakeModel({}) as unknown as AnyModel<never>,
  ask: async () => ({ body: {}, buffers: [] }),
} as Shown;

function views() {
  const roots: Record<string, HTMLElement> = {};
  const given: Shown[] = [];
  const make =
    (name: string): Mount =>
    (what, root) => {
      root.dataset.hwState = "ready";
      roots[name] = root;
      given.push(what);
    };
  return { roots, given, table: { grid: make("grid"), attention: make("attention") } };
}

test("it mounts the views that there are, on one session", () => {
  const { roots, given, table } = views();
  const root = document.createElement("section");
  mountExplore(table)(shown, root, new AbortController().signal);
  expect(Object.keys(roots)).toEqual(["grid", "attention"]);
  expect(given.every((one) => one === shown)).toBe(true);
  expect(root.querySelectorAll(".hw-parts > section")).toHaveLength(2);
  expect(root.dataset.hwState).toBe("ready");
});

test("the kinds are a tab that is mounted when it is first opened", () => {
  const { roots, table } = views();
  const own = new FakeModel({ tab: "heads" });
  const root = document.createElement("section");
  const taxonomy: Mount = (_, at) => {
    at.dataset.hwState = "busy";
    roots.taxonomy = at;
  };
  const life = new AbortController();
  mountExplore({ ...table, taxonomy })({ ...shown, own: own as never }, root, life.signal);
  const [heads, kinds] = root.querySelectorAll<HTMLElement>('[role="tab"]');
  const hidden = () =>
    [...root.querySelectorAll<HTMLElement>('[role="tabpanel"]')].map((page) => page.hidden);
  expect(roots.taxonomy).toBeUndefined();
  expect(hidden()).toEqual([false, true]);
  heads?.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
  expect(own.get("tab")).toBe("kinds");
  expect(root.querySelectorAll('[tabindex="0"][role="tab"]')).toHaveLength(1);
  expect(roots.taxonomy).toBeDefined();
  expect(hidden()).toEqual([true, false]);
  expect(kinds?.getAttribute("aria-selected")).toBe("true");
  expect(root.dataset.hwState, "its state counts once it is there").toBe("busy");
  const before = roots.taxonomy;
  heads?.click();
  kinds?.click();
  expect(roots.taxonomy).toBe(before);
  life.abort();
  expect(own.listening).toBe(0);
});

test("its state is the worst of its parts", async () => {
  const { roots, table } = views();
  const root = document.createElement("section");
  const life = new AbortController();
  mountExplore(table)(shown, root, life.signal);
  for (const [state, whole] of [
    ["busy", "busy"],
    ["error", "error"],
    ["ready", "ready"],
  ] as const) {
    (roots.attention as HTMLElement).dataset.hwState = state;
    await new Promise((done) => setTimeout(done));
    expect(root.dataset.hwState).toBe(whole);
  }
  life.abort();
  expect(root.childElementCount).toBe(0);
});
