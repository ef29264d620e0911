// How a grid looks.

import { css } from "../lib/theme";
import { CELLS_STYLE } from "./cell-grid";
import { CARD_STYLE } from "./grid-card";
import { MOST_HIGH } from "./grid-cells";
import { FOOT_STYLE } from "./grid-foot";
import { LIST_STYLE } from "./grid-list";
import { PUBLISHED_STYLE } from "./published-marks";

export const GRID_STYLE =
  css`
.hw-grid select, .hw-grid input, .hw-grid button:not(.hw-term) { font: inherit; color: var(--hw-fg);
  background: var(--hw-bg); border: 1px solid var(--hw-line); border-radius: 5px; padding: 2px 8px;
  box-sizing: border-box; height: 26px; }
.hw-grid button { cursor: pointer; }
.hw-grid button[aria-pressed="true"] { background: var(--hw-fg); color: var(--hw-bg); }
.hw-grid :is(select, input, button):focus-visible { outline: 2px solid var(--hw-accent);
  outline-offset: 1px; }
.hw-gridtools { display: flex; flex-wrap: wrap; gap: 6px 10px; align-items: center; }
.hw-gridtools select { font-weight: 600; max-width: 100%; }
.hw-gridtools input { width: 11em; }
.hw-grid .hw-join { display: inline-flex; }
.hw-grid .hw-join button { border-radius: 0; margin-left: -1px; }
.hw-grid .hw-join button:first-child { border-radius: 5px 0 0 5px; }
.hw-grid .hw-join button:last-child { border-radius: 0 5px 5px 0; }
.hw-about { color: var(--hw-quiet); margin: 5px 0 8px; min-height: 1.45em; overflow-wrap: anywhere; }
.hw-pair { display: flex; flex-wrap: wrap; gap: 12px 20px; align-items: flex-start; }
.hw-grid .hw-cells { max-height: ${MOST_HIGH}px; }
.hw-cells canvas { max-width: none; }
.hw-gridtools small { font-size: 11px; color: inherit; opacity: .8; }
.hw-stale :is(canvas, .hw-bar-of) { filter: grayscale(1); opacity: .55; }
` +
  CELLS_STYLE +
  PUBLISHED_STYLE +
  FOOT_STYLE +
  LIST_STYLE +
  CARD_STYLE;
