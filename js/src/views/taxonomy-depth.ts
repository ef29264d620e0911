// Where the heads of a stage sit in depth: the survey's figure 8, of this model.

import { aria, h } from "../lib/dom";
import { css } from "../lib/theme";
import { thirds } from "./taxonomy-data";

export const DEPTH_STYLE = css`
.hw-depth { display: flex; align-items: center; gap: 8px; font-size: 11px; color: var(--hw-quiet);
  white-space: nowrap; }
.hw-layers { display: flex; align-items: flex-end; height: 20px; width: 150px; position: relative;
  border-bottom: 1px solid var(--hw-quiet); box-sizing: border-box; }
.hw-layers > span { flex: 1; display: flex; flex-direction: column; justify-content: flex-end;
  height: 100%; padding: 0 1px; box-sizing: border-box; min-width: 0; }
.hw-layers > span > i { box-sizing: border-box; border: 1px solid var(--hw-fg);
  border-bottom-width: 0; min-height: 2px; max-width: 12px; width: 100%; margin: 0 auto; }
.hw-layers > span > i + i, .hw-layers .hw-sure { background: var(--hw-fg); }
.hw-layers > b { position: absolute; top: 0; bottom: 0; border-left: 1px dashed var(--hw-quiet); }
.hw-thirds { font-family: var(--hw-mono); width: 34ch; }
`;

const NAMES = ["first third", "middle", "last"];

/** Bars of a stage's heads by layer: filled "consistent with", hollow "candidate". */
export function depthStrip(layers: [number, number][], most: number): HTMLElement {
  const counts = thirds(layers).map((n, i) => `${NAMES[i]} ${n}`);
  const bars = layers.map(([sure, maybe]) => {
    const bar = (n: number, name: string) => {
      const one = h("i", name);
      one.style.height = `${(100 * n) / Math.max(1, most)}%`;
      return one;
    };
    const parts = [...(maybe ? [bar(maybe, "")] : []), ...(sure ? [bar(sure, "hw-sure")] : [])];
    return h("span", "", ...parts);
  });
  const lines = [1, 2].map((third) => {
    const line = h("b", "");
    line.style.left = `${(100 * Math.ceil((third * layers.length) / 3)) / (layers.length || 1)}%`;
    return line;
  });
  const strip = aria(h("span", "hw-layers", ...bars, ...lines), { hidden: true });
  const words = h("span", "hw-thirds", counts.join(" · "));
  const element = h("span", "hw-depth", strip, words);
  element.title = "heads of this stage by layer, first to last; dashed: thirds of the layers";
  return element;
}
