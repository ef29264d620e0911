import { expect, test, vi } from "vitest";
import { type Acts, type Cells, cellGrid } from "../src/views/cell-grid";
import { GLYPHS, marks, rulers } from "../src/views/cell-marks";
import { headGrid } from "../src/views/heads";
import type { Paint } from "../src/views/paint";

interface Written {
  text: string;
  x: number;
  y: number;
}

/** A canvas's context that keeps what is written, and the sizes that were asked for. */
function painter(ink = "#111") {
  const written: Written[] = [];
  const sizes: number[][] = [];
  const context = {
    fillText: (text: string, x: number, y: number) => written.push({ text, x, y }),
    fillRect: () => {},
    strokeRect: () => {},
  } as unknown as CanvasRenderingContext2D;
  const size = (_: unknown, ...to: number[]) => {
    sizes.push(to);
    return context;
  };
  return { written, sizes, context, paint: { ink, font: "mono", size } as unknown as Paint };
}

function cells(more: Partial<Cells> = {}): Cells {
  return {
    ...{ layers: 3, heads: 4, wide: 20, high: 20, selection: "1.2", of: [] },
    ...{ spoken: (head) => `head ${head}`, picture: () => {} },
    ...more,
  };
}

function grid() {
  const acts = { pick: vi.fn(), point: vi.fn(), toggle: vi.fn() } satisfies Acts;
  const { element, canvas, draw } = cellGrid(acts);
  const press = (key: string, more: KeyboardEventInit = {}) =>
    element.dispatchEvent(new KeyboardEvent("keydown", { key, ...more }));
  const cell = element.querySelector('[role="gridcell"]');
  const at = () => cell?.getAttribute("aria-label");
  return { acts, element, canvas, draw, press, at };
}

test("only what the picture is of draws it again: not the selection, nor the same looks", () => {
  const { draw, element } = grid();
  const { paint, sizes } = painter();
  const thumbs = {};
  draw(cells({ of: [thumbs] }), paint);
  expect(sizes).toEqual([[24 + 4 * 20 + 2, 18 + 3 * 20 + 2]]);
  draw(cells({ of: [thumbs], selection: "2.3" }), paint);
  draw(cells({ of: [thumbs], selection: "2.3" }), { ...paint });
  expect(sizes).toHaveLength(1);
  expect(element.querySelector<HTMLElement>(".hw-picked")?.style.left).toBe("82px");
  draw(cells({ of: [{}] }), paint);
  draw(cells({ of: [{}] }), { ...paint, ink: "#eee" });
  draw(cells({ of: [{}], wide: 30 }), paint);
  expect(sizes).toHaveLength(4);
});

test("a click on a thumbnail moves its ring, and nothing is painted", () => {
  const heads = headGrid(vi.fn(), vi.fn(), new AbortController().signal);
  const { paint, sizes } = painter();
  const state = { layers: 2, heads: 2, thumbs: null, signed: false, selection: "" };
  const at = { cell: 20, gridWidth: 70 } as never;
  const shown = { ...state, name: (head: string) => head };
  heads.draw({ ...shown, edits: [] }, at, paint);
  heads.draw({ ...shown, edits: [], selection: "1.0" }, at, paint);
  expect(sizes).toHaveLength(1);
  expect(heads.element.querySelector<HTMLElement>(".hw-picked")?.hidden).toBe(false);
  heads.draw({ ...shown, edits: [{ kind: "zero", target: "1.0", at: null }] }, at, paint);
  expect(sizes).toHaveLength(2);
});

test("keys stay within the grid and act on the cell under the cursor", () => {
  const { acts, draw, press, at } = grid();
  draw(cells(), painter().paint);
  expect(at()).toBe("head 1.2");
  for (const [key, to] of [
    ["ArrowRight", "1.3"],
    ["ArrowRight", "1.3"],
    ["ArrowUp", "0.3"],
    ["ArrowUp", "0.3"],
    ["Home", "0.0"],
    ["ArrowLeft", "0.0"],
  ] as const) {
    press(key);
    expect([key, at()]).toEqual([key, `head ${to}`]);
    expect(acts.point).toHaveBeenLastCalledWith(to);
  }
  press("End", { ctrlKey: true });
  press("ArrowDown");
  press("Enter");
  press(" ");
  expect(acts.pick.mock.calls).toEqual([["2.3"]]);
  expect(acts.toggle.mock.calls).toEqual([["2.3"]]);
});

test("the mouse points and picks, and next to the cells it does neither", () => {
  const { acts, canvas, draw } = grid();
  draw(cells(), painter().paint);
  const mouse = (type: string, clientX: number, clientY: number) =>
    canvas.dispatchEvent(new MouseEvent(type, { clientX, clientY }));
  mouse("mousemove", 24 + 3 * 20 + 1, 18 + 2 * 20 + 1);
  expect(acts.point).toHaveBeenLastCalledWith("2.3");
  mouse("mousemove", 24 + 4 * 20 + 1, 30);
  expect(acts.point).toHaveBeenLastCalledWith("");
  mouse("click", 10, 30);
  mouse("click", 24 + 1, 18 + 1);
  expect(acts.pick.mock.calls).toEqual([["0.0"]]);
});

test("where picking only selects, a mouse does it going down, once; a finger with its tap", () => {
  const acts = { pick: vi.fn(), point: vi.fn(), selects: true } satisfies Acts;
  const { canvas, draw } = cellGrid(acts);
  const { paint } = painter();
  draw(cells(), paint);
  const hand = (type: string, pointerType: string, button = 0) => {
    const event = new MouseEvent(type, { clientX: 24 + 1, clientY: 18 + 1, button });
    canvas.dispatchEvent(Object.assign(event, { pointerType }));
  };
  hand("pointerdown", "touch");
  hand("pointerdown", "mouse", 2);
  expect(acts.pick).not.toHaveBeenCalled();
  hand("pointerdown", "mouse");
  draw(cells({ selection: "0.0" }), paint);
  hand("click", "mouse");
  expect(acts.pick.mock.calls).toEqual([["0.0"]]);
  draw(cells({ selection: "1.2" }), paint);
  hand("pointerdown", "touch");
  hand("click", "touch");
  expect(acts.pick.mock.calls).toEqual([["0.0"], ["0.0"]]);
});

test("every ruler's number has room, and an edit of a whole layer has no glyph", () => {
  const { context, paint, written } = painter();
  rulers(context, { layers: 3, heads: 12, wide: 9, high: 9 }, paint);
  expect(written.map(({ text }) => text)).toEqual(["0", "2", "4", "6", "8", "10", "0", "2"]);
  written.length = 0;
  const edit = { kind: "mean", at: null } as const;
  const size = { wide: 20, high: 20 };
  marks(
    context,
    [
      { ...edit, target: "mlp 1" },
      { ...edit, target: "1.2" },
    ],
    size,
    paint,
  );
  expect(written).toEqual([{ text: GLYPHS.mean, x: 24 + 3 * 20 - 10, y: 18 + 20 + 8.5 }]);
});
