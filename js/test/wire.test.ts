import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { decode, encode, LIMIT, RELATIVE_BOUND, WireError } from "../src/lib/wire";

interface Golden {
  name: string;
  header: Record<string, unknown>;
}

const folder = join(import.meta.dirname, "golden");
const cases = JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as Golden[];

function bytes(name: string): ArrayBuffer {
  const file = readFileSync(join(folder, name));
  return new Uint8Array(file).buffer;
}

describe("bytes that Python wrote", () => {
  test("there are some of each kind", () => {
    expect(new Set(cases.map((c) => c.header.dtype))).toEqual(
      new Set(["float32", "uint8", "int32", "float16"]),
    );
  });

  test.each(cases)("$name decodes to Python's own reading, bit for bit", ({ name, header }) => {
    const { data, shape } = decode(header, bytes(`${name}.bin`));
    expect(shape).toEqual(header.shape);
    expect(new Uint8Array(data.buffer)).toEqual(new Uint8Array(bytes(`${name}.decoded.bin`)));
  });

  test.each(cases)("$name decodes from a view at an odd offset", ({ name, header }) => {
    const inner = new Uint8Array(bytes(`${name}.bin`));
    const outer = new Uint8Array(inner.length + 16).fill(0xab);
    outer.set(inner, 3);
    const view = new DataView(outer.buffer, 3, inner.length);
    const { data } = decode(header, view);
    expect(new Uint8Array(data.buffer)).toEqual(new Uint8Array(bytes(`${name}.decoded.bin`)));
  });

  test.each(cases.filter((c) => c.header.dtype === "float16"))(
    "$name is within the bound it states",
    ({ name, header }) => {
      const { data, bound } = decode(header, bytes(`${name}.bin`));
      const original = new Float32Array(bytes(`${name}.original.bin`));
      expect(bound).toBe(RELATIVE_BOUND * Number(header.scale));
      data.forEach((value, i) => {
        const x = original[i] ?? Number.NaN;
        if (Number.isFinite(x)) expect(Math.abs(value - x)).toBeLessThanOrEqual(bound);
        else expect(Object.is(value, x)).toBe(true);
      });
    },
  );

  test.each(cases.filter((c) => c.header.dtype !== "float16"))(
    "$name encodes to the same bytes",
    ({ name, header }) => {
      const { data, shape } = decode(header, bytes(`${name}.bin`));
      const [written, buffer] = encode(data, shape);
      expect(written).toEqual(header);
      expect(new Uint8Array(buffer)).toEqual(new Uint8Array(bytes(`${name}.bin`)));
    },
  );
});

test("encode takes only its own part of a larger buffer", () => {
  const whole = new Float32Array([1, 2, 3, 4]);
  const [, buffer] = encode(whole.subarray(1, 3), [2]);
  expect([...new Float32Array(buffer)]).toEqual([2, 3]);
});

test.each([
  [0x0000, 0],
  [0x3c00, 1],
  [0xbc00, -1],
  [0x3555, 0.333251953125],
  [0x0001, 2 ** -24],
  [0x03ff, 1023 * 2 ** -24],
  [0x7bff, 65504],
  [0x7c00, Number.POSITIVE_INFINITY],
  [0xfc00, Number.NEGATIVE_INFINITY],
])("half %i is %d", (bits, value) => {
  expect(halves([bits])).toEqual([value]);
  expect(halves([bits], 2, 0.5)).toEqual([Math.fround(2 + 0.5 * value)]);
});

test("what is no number in half precision stays none", () => {
  expect(halves([0x7e00], 1, 3)).toEqual([Number.NaN]);
});

test("neither −0 nor a NaN with a sign comes out: a map compares bits", () => {
  const header = { dtype: "float16", shape: [3], centre: 0, scale: 1 };
  const { data } = decode(header, Uint16Array.from([0x8000, 0xfe00, 0xffff]));
  expect([...new Int32Array(data.buffer)].map(Math.sign)).toEqual([0, 1, 1]);
});

function halves(bits: number[], centre = 0, scale = 1): number[] {
  const header = { dtype: "float16", shape: [bits.length], centre, scale };
  return [...decode(header, Uint16Array.from(bits)).data];
}

test.each([
  ["no header", null, 0, /dtype/],
  ["an unknown dtype", { dtype: "float64", shape: [1] }, 8, /expected dtype float32/],
  ["a name from the prototype", { dtype: "toString", shape: [1] }, 8, /expected dtype/],
  ["a negative shape", { dtype: "uint8", shape: [-1] }, 0, /expected a shape/],
  ["a shape that is no list", { dtype: "uint8", shape: 3 }, 3, /expected a shape/],
  ["too few bytes", { dtype: "float32", shape: [2, 2] }, 12, /expected 16 bytes/],
  ["too many", { dtype: "uint8", shape: [LIMIT + 1] }, 0, /exceed/],
  ["a lost scale", { dtype: "float16", shape: [1], centre: 0 }, 2, /finite centre and scale/],
])("%s is refused in words", (_, header, size, reason) => {
  expect(() => decode(header, new ArrayBuffer(size))).toThrow(WireError);
  expect(() => decode(header, new ArrayBuffer(size))).toThrow(reason);
});

test("a shape that does not fit the values is refused", () => {
  expect(() => encode(new Uint8Array(3), [2, 2])).toThrow(/expected 3 values/);
});
