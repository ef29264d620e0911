import { expect, test } from "vitest";
import { type Edit, headsOf, say } from "../src/state";
import { cellWords, editOf, type Found, layerOf, readSwept, sheet } from "../src/views/sweep-data";

const found: Found = {
  ...{ sweep: "patch", over: "heads x positions", direction: "denoise", layers: 2, heads: 1 },
  places: [
    { at: 0, token: "<bos>" },
    { at: 1, token: " red" },
  ],
  unit: "nats",
  incomplete: "so far 3 of 4 edits done",
  arrays: [
    { dtype: "float32", shape: [4, 4] },
    { dtype: "uint8", shape: [4] },
  ],
};

/** Effects of four edits, the last of which is not measured yet. */
function sent(): DataView {
  const bytes = new Uint8Array(68);
  const none = [Number.NaN, Number.NaN, Number.NaN, Number.NaN];
  bytes.set(
    new Uint8Array(new Float32Array([1, -4, 2, Number.NaN, ...none, ...none, ...none]).buffer),
  );
  bytes.set([1, 1, 1, 0], 64);
  return new DataView(bytes.buffer);
}

test("a sweep is read, and a cell says what it is, or that it is not there yet", () => {
  const swept = readSwept(found, sent());
  if (!swept) throw new Error("no sweep");
  expect(swept.ends).toEqual([-4, 4]);
  expect(cellWords(swept, 1)).toBe("head 0.0 at 1 ·red: −4.000 nats");
  expect(cellWords(swept, 3)).toBe("head 1.0 at 1 ·red: not measured yet");
  expect(layerOf(swept, 0)).toBe(1); // at work there
  const whole = { ...swept, found: { ...found, incomplete: "" } };
  expect(layerOf(whole, 1)).toBe(0); // the strongest
  expect(sheet(swept, 1)).toEqual({ rows: 1, columns: 2, from: 2, layer: 1 });
  expect(readSwept({}, new DataView(new ArrayBuffer(0)))).toBeNull();
});

test("a cell stands for an edit", () => {
  expect(say(editOf(found, 3))).toBe("patch 1.0 into corrupted at 1");
  expect(say(editOf({ ...found, direction: "noise" }, 0))).toBe("patch 0.0 into clean at 0");
  const stream = { ...found, sweep: "zero", over: "positions x layers" } as Found;
  expect(say(editOf(stream, 2))).toBe("zero resid 1 at 0");
  const heads = { ...found, sweep: "resample", over: "heads", at: "end", heads: 3 } as Found;
  expect(editOf(heads, 4)).toEqual({ kind: "resample", target: "1.1", at: "end", seed: 0 });
});

test("every kind of edit is said as Python says it", () => {
  const direction = { vector: "", target: "resid 5", name: "pca", how: "pca" };
  const edits: [Edit, string][] = [
    [{ kind: "resample", target: "9.9", at: null, seed: 3 }, "resample 9.9 seed 3"],
    [
      { kind: "add", target: "resid 5", at: "end", factor: 2, direction },
      "add resid 5 × 2 pca at end",
    ],
    [
      { kind: "subtract", target: "mlp 3", at: [1, "end"], direction, to: "patch", into: "clean" },
      "subtract mlp 3 pca to patch into clean at 1, end",
    ],
    [{ kind: "keep", target: "9.6, 9.9", at: null }, "keep 9.6, 9.9"],
    [
      { kind: "path", target: "9.6", at: null, receivers: "9.9.q", into: "corrupted" },
      "path 9.6 → 9.9.q into corrupted",
    ],
  ];
  for (const [edit, words] of edits) expect(say(edit)).toBe(words);
  expect(edits.map(([edit]) => headsOf(edit).length)).toEqual([1, 0, 0, 2, 1]);
});
