// Sixteen heads as tiles: previous-token scores above, induction strengths below, as they are at
// the checkpoint that is looked at.

import { aria, h, on } from "../lib/dom";
import { onKeys } from "./cell-grid";
import { type Line, tilesAt, two } from "./emergence-data";

const EVEN = 0.179; // the luminance on which black and white are read alike (WCAG 2.2)

/** Viridis of 0 to 1 as a CSS colour, and the ink that is read on it; below 0 as 0. */
export function shade(table: Uint8Array, value: number): [string, string] {
  if (!Number.isFinite(value)) return ["var(--hw-soft)", "var(--hw-fg)"];
  const at = 3 * Math.round(255 * Math.min(1, Math.max(0, value)));
  const [r = 0, g = 0, b = 0] = table.subarray(at, at + 3);
  const light = (c: number) => (c <= 10 ? c / 3294.6 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  const ink = 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b) > EVEN ? "#000" : "#fff";
  return [`rgb(${r} ${g} ${b})`, ink];
}

export function headTiles(pick: (head: string) => void, point: (head: string) => void) {
  const element = aria(h("div", "hw-tilegrid"), { role: "grid", label: "heads by layer" });
  let tiles: HTMLElement[] = [];
  let names: string[] = [];
  let cursor = 0;
  let columns = 1;

  const put = (to: number) => {
    cursor = Math.max(0, Math.min(tiles.length - 1, to));
    tiles.forEach((tile, i) => {
      tile.classList.toggle("hw-at", i === cursor);
    });
    const mine = tiles[cursor];
    if (mine) aria(element, { activedescendant: mine.id });
  };
  onKeys(
    element,
    { pick, point },
    () => names[cursor] ?? "",
    ({ ctrlKey, metaKey }) => {
      const first = cursor - (cursor % columns);
      const far = ctrlKey || metaKey;
      return {
        ArrowUp: cursor >= columns ? cursor - columns : cursor,
        ArrowDown: cursor + columns < tiles.length ? cursor + columns : cursor,
        ArrowLeft: Math.max(first, cursor - 1),
        ArrowRight: Math.min(first + columns - 1, cursor + 1),
        Home: far ? 0 : first,
        End: far ? tiles.length - 1 : first + columns - 1,
      };
    },
    (to) => {
      put(to);
      point(names[cursor] ?? "");
    },
  );

  function build(line: Line, words: [string, string]): void {
    const [layers, heads] = line.run.shape;
    const key = [layers, heads, ...words].join();
    if (element.dataset.built === key) return;
    element.dataset.built = key;
    columns = heads;
    names = [0, layers - 1].flatMap((layer) =>
      Array.from({ length: heads }, (_, i) => `${layer}.${i}`),
    );
    const base = `hw-${Math.random().toString(36).slice(2)}`;
    tiles = names.map((name, i) => {
      const tile = aria(h("div", "hw-tile", h("b", "", name), h("span", "", "–")), {
        role: "gridcell",
      });
      tile.id = `${base}-${i}`;
      tile.dataset.head = name;
      on(tile, "click", () => {
        put(i);
        pick(name);
      });
      on(tile, "mouseenter", () => point(name));
      return tile;
    });
    const rows = words.map((label, row) => {
      const own = tiles.slice(row * heads, (row + 1) * heads);
      const cells = aria(h("div", "hw-tiles", ...own), { role: "row", label });
      cells.style.gridTemplateColumns = `repeat(${heads}, minmax(0, 1fr))`;
      return cells;
    });
    const says = words.map((label) => aria(h("div", "hw-small", label), { hidden: true }));
    element.replaceChildren(...rows.flatMap((row, i) => [says[i] ?? "", row]));
    put(0);
  }
  on(element, "mouseleave", () => point(""));

  function draw(line: Line, step: number, head: string, table: Uint8Array): void {
    const [layers] = line.run.shape;
    build(line, ["layer 1: previous-token score", `layer ${layers}: induction strength`]);
    const values = tilesAt(line, step);
    const others = line.run.clamps[line.condition]?.head ?? null;
    tiles.forEach((tile, i) => {
      const [row, at] = [Math.floor(i / columns), i % columns];
      const value = values[row === 0 ? 0 : 1][at];
      const [back, ink] = shade(table, value ?? Number.NaN);
      const name = names[i] ?? "";
      const off = row === 1 && others !== null && at !== others;
      const said = two(value);
      tile.style.background = back;
      tile.style.color = ink;
      const span = tile.lastElementChild;
      if (span && span.textContent !== said) span.textContent = said;
      tile.classList.toggle("hw-mine", name === head);
      tile.classList.toggle("hw-off", off);
      const what = row ? "induction strength" : "previous-token score";
      const label = `head ${name}, ${what} ${said}${off ? ", switched off throughout" : ""}`;
      if (tile.getAttribute("aria-label") !== label) aria(tile, { label });
      const selected = String(name === head);
      if (tile.getAttribute("aria-selected") !== selected) aria(tile, { selected });
    });
  }
  return { element, draw };
}
