// What the further bundles take from the first, where it is once and for all (see build.mjs):
// their modules import these from where they are written.

export { visible } from "./card";
export { once } from "./lib/changing";
export { aria, button, h, on } from "./lib/dom";
export { GLOSSARY_STYLE, term } from "./lib/glossary";
export { digits, GUTTER, RULER, words } from "./lib/heatmap";
export { isLive, STATIC, whenLive } from "./lib/live";
export { gradient } from "./lib/lut";
export { whenChanged } from "./lib/model";
export {
  cited,
  headsIn,
  inALine,
  inFull,
  measured,
  readPublished,
  spokenClaims,
  voices,
} from "./lib/published";
export { Cancelled } from "./lib/rpc";
export { called } from "./lib/session";
export { style } from "./lib/theme";
export { decode } from "./lib/wire";
export { headsOf, say, TOGGLES } from "./state";
export { mount } from "./views";
export { mountAttention } from "./views/attention";
export { CELLS_STYLE, cellGrid, onKeys } from "./views/cell-grid";
export { GLYPHS, marks } from "./views/cell-marks";
export { onLooks, paintOf } from "./views/paint";
export { claimLines, fold, foldSize, folds, PUBLISHED_STYLE } from "./views/published-marks";
