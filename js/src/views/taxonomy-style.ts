// How the taxonomy looks.

import { css } from "../lib/theme";
import { PUBLISHED_STYLE } from "./published-marks";
import { BOARD_STYLE } from "./taxonomy-board";
import { CARD_STYLE } from "./taxonomy-card";
import { CITED_STYLE } from "./taxonomy-cited";
import { DEPTH_STYLE } from "./taxonomy-depth";
import { TOOLS_STYLE } from "./taxonomy-tools";
import { TOGETHER_STYLE } from "./together";

export const TAXONOMY_STYLE =
  css`
.hw-kindview :is(select, input, button) { font: inherit; color: var(--hw-fg);
  background: var(--hw-bg); border: 1px solid var(--hw-line); border-radius: 5px; padding: 2px 8px;
  box-sizing: border-box; height: 26px; }
.hw-kindview button { cursor: pointer; }
.hw-kindview button:disabled { cursor: default; color: var(--hw-quiet); border-style: dashed; }
.hw-kindview :is(select, input, button):focus-visible { outline: 2px solid var(--hw-accent);
  outline-offset: 1px; }
.hw-halves { display: grid; gap: 10px; grid-template-columns: minmax(0, 1fr); }
.hw-halves > .hw-board { height: 520px; box-sizing: border-box; }
.hw-side { display: grid; gap: 10px; grid-template-columns: minmax(0, 1fr); }
.hw-side > section { border: 1px solid var(--hw-line); border-radius: 5px; padding: 7px 10px;
  overflow-y: auto; height: 360px; box-sizing: border-box; }
.hw-side > section:focus-visible { outline: 2px solid var(--hw-accent); }
.hw-sidehead { display: flex; gap: 8px; align-items: flex-start; }
.hw-sidehead button { height: 22px; padding: 0 7px; }
@container (min-width: 640px) { .hw-side { grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); } }
@container (min-width: 900px) {
  .hw-halves { grid-template-columns: minmax(0, 1fr) 372px; }
  .hw-halves > .hw-board, .hw-side { height: 760px; }
  .hw-side { grid-template-columns: minmax(0, 1fr);
    grid-template-rows: minmax(0, 3fr) minmax(0, 2fr); }
  .hw-side > section { height: auto; } }
` +
  DEPTH_STYLE +
  TOOLS_STYLE +
  BOARD_STYLE +
  CARD_STYLE +
  PUBLISHED_STYLE +
  CITED_STYLE +
  TOGETHER_STYLE;
