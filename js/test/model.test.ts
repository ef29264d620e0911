import { afterEach, expect, test, vi } from "vitest";
import { whenChanged } from "../src/lib/model";
import { called } from "../src/lib/session";
import { FakeModel } from "./fake-model";

afterEach(() => vi.unstubAllGlobals());

test("many changes are one redraw, and a dead view draws nothing", () => {
  const frames: (() => void)[] = [];
  vi.stubGlobal("requestAnimationFrame", (draw: () => void) => frames.push(draw));
  vi.stubGlobal("cancelAnimationFrame", (n: number) => frames.splice(n - 1, 1));
  const model = new FakeModel({ a: 0, b: 0 });
  const life = new AbortController();
  const draw = vi.fn();
  whenChanged(model, ["a", "b"], draw, life.signal);
  expect(draw).toHaveBeenCalledTimes(1);
  model.set("a", 1);
  model.set("b", 1);
  model.set("a", 2);
  expect(frames).toHaveLength(1);
  frames.shift()?.();
  expect(draw).toHaveBeenCalledTimes(2);
  model.set("b", 2);
  life.abort();
  expect(frames).toHaveLength(0);
  expect(model.listening).toBe(0);
});

test("a click and its answer are drawn at once, a flood with the frames", async () => {
  const frames: (() => void)[] = [];
  vi.stubGlobal("requestAnimationFrame", (draw: () => void) => frames.push(draw));
  vi.stubGlobal("cancelAnimationFrame", (n: number) => frames.splice(n - 1, 1));
  let now = 1000;
  vi.stubGlobal("performance", { now: () => now });
  const model = new FakeModel({ a: 0 });
  const draw = vi.fn();
  const life = new AbortController();
  whenChanged(model, ["a"], draw, life.signal);
  const counts = [];
  for (const at of [1000, 1005, 1010, 1015]) {
    now = at;
    model.set("a", at);
    await Promise.resolve();
    counts.push(draw.mock.calls.length);
  }
  expect(counts).toEqual([2, 3, 3, 3]);
  expect(frames).toHaveLength(1);
  life.abort();
});

test("a model that came from a folder is called by the folder's name", () => {
  const names = ["planted", "EleutherAI/pythia-70m", "./models/tiny/", "../tiny", "C:\\m\\tiny"];
  const wanted = ["planted", "EleutherAI/pythia-70m", "tiny", "tiny", "tiny"];
  expect(names.map((name) => called({ name }))).toEqual(wanted);
  expect(called(undefined)).toBe("");
});
