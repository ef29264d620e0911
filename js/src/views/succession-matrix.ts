// Step 2, second half: what a head writes in a set, by what it looks at.

import { aria, h, on } from "../lib/dom";
import { digits } from "../lib/heatmap";
import { unlessSame } from "../lib/same";
import type { Paint } from "./paint";
import { firsts, type Matrix, values } from "./succession-data";

const MOST = 440;
const RINGED = 6; // pixels of a cell that can hold a ring
const LABELLED = 9;

export function matrixView(pick: (row: number, column: number) => void) {
  const canvas = h("canvas", "");
  const element = aria(h("div", "hw-matrix", canvas), { role: "application" });
  element.tabIndex = 0;
  element.dataset.lmSuppressShortcuts = "true";
  const readout = aria(h("div", "hw-read"), { role: "status" });
  let shown: Partial<Matrix> = {};
  let table: Float32Array = new Float32Array();
  let first: ReturnType<typeof firsts> | undefined;
  let cell = 1;
  let room = 0;
  let at: [number, number] = [0, 0];
  let paint: Paint | undefined;

  const size = () => shown.members?.length ?? 0;
  const say = () => {
    const n = size();
    if (!n || !first) return;
    const [row, column] = at;
    const member = (place: number) => shown.members?.[place] ?? "";
    const value = digits(table[row * n + column] ?? Number.NaN);
    const after = shown.following?.[row] ?? -1;
    const top = first.tops[row] ?? -1;
    const is = [
      column === after ? "the next member" : "",
      column === row ? "the member itself" : "",
    ];
    const note = is.filter(Boolean).join(", ");
    readout.textContent =
      `looks at ${member(row)}, writes ${member(column)}: ${value} logits` +
      `${note ? ` (${note})` : ""} · most: ${top < 0 ? "several" : member(top)}`;
    readout.dataset.hwValue = value;
  };
  const where = (event: MouseEvent): [number, number] | null => {
    const box = canvas.getBoundingClientRect();
    const scale = box.width ? canvas.offsetWidth / box.width : 1;
    const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    const [column, row] = [Math.floor((x - room) / cell), Math.floor((y - room) / cell)];
    return row >= 0 && column >= 0 && row < size() && column < size() ? [row, column] : null;
  };
  const move = (to: [number, number]) => {
    at = to;
    say();
    if (paint) render(paint);
  };
  on(element, "mousemove", (event) => {
    const to = where(event);
    if (to && (to[0] !== at[0] || to[1] !== at[1])) move(to);
  });
  on(element, "click", (event) => {
    const to = where(event);
    if (!to) return;
    move(to);
    pick(...to);
  });
  on(element, "keydown", (event) => {
    const steps: Record<string, [number, number]> = {
      ...{ ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] },
    };
    const step = steps[event.key];
    if (event.key === "Enter") pick(...at);
    else if (event.key === "Escape") element.blur();
    else if (step) {
      const inside = (value: number) => Math.max(0, Math.min(size() - 1, value));
      move([inside(at[0] + step[0]), inside(at[1] + step[1])]);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });

  function draw(matrix: Partial<Matrix>, with_: Paint, width: number): void {
    if (matrix !== shown) {
      shown = matrix;
      table = values(matrix);
      first = firsts(matrix, table);
      at = [0, Math.max(0, matrix.following?.[0] ?? 0)];
    }
    const n = size();
    const longest = Math.max(1, ...(matrix.members ?? []).map((one) => one.length));
    room = n <= 31 ? Math.min(78, 8 + 6.6 * longest) : 30;
    cell = Math.max(1, Math.min(30, Math.floor((Math.min(MOST, width) - room) / Math.max(1, n))));
    paint = with_;
    aria(element, {
      label: `what head ${matrix.head} writes in ${matrix.set}: arrows move, Enter reads texts`,
    });
    render(with_);
    say();
  }

  function render(with_: Paint): void {
    const n = size();
    const edge = room + cell * n + 2;
    const context = with_.size(canvas, edge, edge);
    if (!context || !n) return;
    let most = 0;
    for (const value of table) most = Math.max(most, Math.abs(value));
    const inks = with_.inks(true);
    const pixels = Uint32Array.from(
      table,
      (value) => inks[Math.round(128 + (127 * value) / (most || 1))] ?? 0,
    );
    const picture = with_.picture(new Uint8ClampedArray(pixels.buffer), n);
    context.imageSmoothingEnabled = false;
    if (picture) context.drawImage(picture, room, room, cell * n, cell * n);
    context.strokeStyle = with_.line;
    context.strokeRect(room - 0.5, room - 0.5, cell * n + 1, cell * n + 1);
    if (cell >= RINGED) {
      context.strokeStyle = with_.ink;
      shown.following?.forEach((after, row) => {
        if (after < 0) return;
        const [x, y] = [room + after * cell, room + row * cell];
        context.strokeRect(x + 1, y + 1, cell - 2, cell - 2);
      });
    }
    context.strokeStyle = with_.pick;
    context.lineWidth = 2;
    const [row, column] = at;
    context.strokeRect(
      room + column * cell,
      room + row * cell,
      Math.max(cell, 3),
      Math.max(cell, 3),
    );
    label(context, with_);
  }

  function label(context: CanvasRenderingContext2D, with_: Paint): void {
    const every = cell >= LABELLED ? 1 : Math.ceil(26 / cell);
    context.font = `11px ${with_.font}`;
    context.fillStyle = with_.quiet;
    context.textBaseline = "middle";
    (shown.members ?? []).forEach((member, place) => {
      if (place % every) return;
      const middle = room + (place + 0.5) * cell;
      context.textAlign = "right";
      context.fillText(member, room - 4, middle, room - 6);
      context.save();
      context.translate(middle, room - 4);
      context.rotate(-Math.PI / 2);
      context.textAlign = "left";
      context.fillText(member, 0, 0, room - 6);
      context.restore();
    });
  }
  return {
    element,
    readout,
    draw: unlessSame(draw),
    get firsts() {
      return first;
    },
  };
}
