import { expect, test } from "vitest";
import { level, limits, packed } from "../src/lib/heatmap";
import { diverging, viridis } from "../src/lib/lut";
import { raster, type Source } from "../src/views/map-pixels";
import type { Window } from "../src/views/map-window";

const inks = packed(viridis);
const signedInks = packed(diverging([255, 255, 255]));

function source(values: number[], columns: number, place: Partial<Source> = {}): Source {
  const rows = values.length / columns;
  return {
    ...{ values: Float32Array.from(values), rows, columns, query: 0, key: 0, stride: 1 },
    ...place,
  };
}

function bytes(of: Uint32Array): number[] {
  return [...new Uint8Array(of.buffer)];
}

test("colours: viridis from 0 to 1, the surface at zero where signed, grey for none", () => {
  const out = new Uint32Array(4);
  const seen = { query: 0, key: 0, span: 2 };
  raster(source([0, 1, Number.NaN, 0], 2), seen, 2, { inks, ends: [0, 1], signed: false }, out);
  expect(bytes(out).slice(0, 12)).toEqual([68, 1, 84, 255, 253, 231, 37, 255, 128, 128, 128, 255]);
  const values = source([-0.5, 0, 0.5, Number.POSITIVE_INFINITY], 2);
  const ends = limits(values.values, true);
  raster(values, seen, 2, { inks: signedInks, ends, signed: true }, out);
  const [blue, , , , ...rest] = bytes(out);
  expect(rest.slice(0, 4)).toEqual([255, 255, 255, 255]);
  expect(bytes(out)[2]).toBeGreaterThan(blue ?? 0); // blue below
  expect(bytes(out)[8]).toBeGreaterThan(bytes(out)[10] ?? 0); // red above
  expect(bytes(out).slice(12)).toEqual([128, 128, 128, 255]);
  expect(level(0.5, [0, 1])).toBe(128);
});

/** What a pixel shows, by its definition, slowly: the values of the tokens that begin in it. */
function shown({ values, columns, rows, query, key, stride }: Source, seen: Window, edge: number) {
  const cells = (pixel: number, from: number, start: number, count: number) => {
    const at = (i: number) => (from - start + (i * seen.span) / edge) / stride;
    const first = Math.floor(at(pixel));
    const last = pixel + 1 < edge ? Math.floor(at(pixel + 1)) : Math.ceil(at(pixel + 1));
    const all = Array.from({ length: Math.max(1, last - first) }, (_, i) => first + i);
    return all.filter((i) => i >= 0 && i < count);
  };
  return Array.from({ length: edge * edge }, (_, i) => {
    const down = cells(Math.floor(i / edge), seen.query, query, rows);
    const across = cells(i % edge, seen.key, key, columns);
    return down.flatMap((r) => across.map((c) => values[r * columns + c] ?? Number.NaN));
  });
}

const noise = (i: number) => (((i * 2654435761) >>> 8) % 1000) / 1000;

test.each([
  ["as many pixels as tokens", 24, 1, { query: 0, key: 0, span: 24 }, 24],
  ["more pixels than tokens", 24, 1, { query: 3, key: 7, span: 11 }, 40],
  ["fewer pixels than tokens", 50, 1, { query: 0, key: 0, span: 50 }, 21],
  ["an overview whose last block is not whole", 17, 3, { query: 0, key: 0, span: 50 }, 13],
  ["an overview, zoomed in", 17, 3, { query: 20, key: 11, span: 9 }, 33],
])("a pixel shows the largest of its values: %s", (_, columns, stride, seen, edge) => {
  for (const [low, signed] of [
    [0, false],
    [-1, false],
    [-1, true],
  ] as const) {
    const values = Array.from({ length: columns ** 2 }, (_, i) => noise(i) + low / 2);
    const from = source(values, columns, { stride });
    const out = new Uint32Array(edge * edge);
    const ends: [number, number] = [low, 1];
    const table = signed ? signedInks : inks;
    raster(from, seen, edge, { inks: table, ends, signed }, out);
    const size = signed ? Math.abs : (value: number) => value;
    const expected = shown(from, seen, edge).map((some) => {
      const most = some.reduce((a, b) => (size(b) > size(a) ? b : a));
      return table[level(most, ends)];
    });
    expect([...out]).toEqual(expected);
  }
});

test("a thin line stays as bright as it is, and what is no number is never hidden", () => {
  const values = new Array(100 * 100).fill(0);
  for (let i = 1; i < 100; i++) values[i * 100 + i - 1] = 1;
  values[10] = Number.NaN;
  const out = new Uint32Array(10 * 10);
  const seen = { query: 0, key: 0, span: 100 };
  raster(source(values, 100), seen, 10, { inks, ends: [0, 1], signed: false }, out);
  for (let i = 0; i < 10; i++) expect(out[i * 11]).toBe(inks[255]);
  expect(out[1]).toBe(inks[256]);
  expect(out[5]).toBe(inks[0]);
});

test("the empty half of a causal map is not looked at, and looks the same", () => {
  const n = 40;
  const values = Array.from({ length: n * n }, (_, i) => (i % n > i / n ? 0 : noise(i) - 0.5));
  for (const [seen, edge] of [
    [{ query: 0, key: 0, span: n }, 17],
    [{ query: 9, key: 13, span: 12 }, 31],
  ] as const) {
    const [whole, half] = [new Uint32Array(edge ** 2), new Uint32Array(edge ** 2)];
    const scale = { inks: signedInks, ends: [-1, 1] as const, signed: true };
    raster(source(values, n), seen, edge, scale, whole);
    raster(source(values, n, { causal: true }), seen, edge, scale, half);
    expect([...half]).toEqual([...whole]);
  }
});

test("where a part holds nothing, what lies below it stays", () => {
  const out = new Uint32Array(16).fill(7);
  const part = source([1, 1, 1, 1], 2, { query: 1, key: 2 });
  raster(part, { query: 0, key: 0, span: 4 }, 4, { inks, ends: [0, 1], signed: false }, out);
  const one = inks[255];
  expect([...out]).toEqual([7, 7, 7, 7, 7, 7, one, one, 7, 7, one, one, 7, 7, 7, 7]);
});
