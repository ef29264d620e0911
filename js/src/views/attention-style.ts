// The attention view's own rules.

import { css } from "../lib/theme";
import { CELLS_STYLE } from "./cell-grid";
import { MAP_STYLE } from "./map";

export const ATTENTION_STYLE =
  css`
.hw-attention .hw-bar { display: flex; flex-wrap: wrap; gap: 6px 10px; align-items: center; margin-bottom: 8px; }
.hw-model { margin-right: auto; }
.hw-runs { display: inline-flex; flex-wrap: wrap; border: 1px solid var(--hw-line);
  border-radius: 5px; overflow: hidden; }
.hw-runs button, .hw-tools button { font: inherit; color: var(--hw-fg); background: none; border: 0;
  padding: 2px 9px; cursor: pointer; }
.hw-runs button + button { border-left: 1px solid var(--hw-line); }
.hw-runs button[aria-pressed="true"] { background: var(--hw-fg); color: var(--hw-bg); }
.hw-runs button[aria-disabled="true"] { color: var(--hw-quiet); cursor: not-allowed; }
.hw-runs button:focus-visible, .hw-tools :focus-visible { outline: 2px solid var(--hw-accent);
  outline-offset: -2px; }
.hw-tools { display: flex; flex-wrap: wrap; gap: 4px; align-items: center; margin-bottom: 6px;
  font-size: 12px; color: var(--hw-quiet); }
.hw-tools button:first-child { margin-left: -7px; }
.hw-about { min-height: 1.5em; color: var(--hw-quiet); }
.hw-tools button { color: var(--hw-quiet); border-radius: 4px; padding: 2px 7px; min-width: 24px; }
.hw-tools button:hover { background: var(--hw-soft); color: var(--hw-fg); }
.hw-tools input { font: inherit; color: var(--hw-fg); background: none; width: 8.5em;
  border: 1px solid var(--hw-line); border-radius: 4px; padding: 2px 7px; margin-left: auto; }
.hw-tools input::placeholder { color: var(--hw-quiet); opacity: 1; }
.hw-count { min-width: 4.2em; font-variant-numeric: tabular-nums; }
.hw-split { display: flex; flex-wrap: wrap; gap: 14px 28px; align-items: flex-start; }
.hw-one { min-width: 0; }
.hw-all { flex: none; max-width: 100%; }
.hw-attention .hw-caption { width: 0; min-width: 100%; min-height: 1.45em; margin-top: 4px; font-size: 12px; color: var(--hw-quiet); }
.hw-foot { display: flex; flex-wrap: wrap; gap: 2px 12px; align-items: center; margin-top: 6px;
  min-height: 24px; }
.hw-scale { display: inline-flex; gap: 6px; align-items: center; font-family: var(--hw-mono); }
.hw-scale i { width: 90px; height: 9px; border-radius: 2px; }
.hw-line { min-height: 1.5em; margin-top: 4px; font-family: var(--hw-mono); font-size: 12px;
  overflow-wrap: anywhere; }
.hw-strong { margin: 2px 0 0; padding: 0; list-style: none; display: grid;
  grid-template-columns: repeat(auto-fill, minmax(136px, 1fr)); gap: 4px 6px; }
.hw-strong li { font-family: var(--hw-mono); font-size: 12px; padding: 0 6px; border-radius: 3px;
  background: linear-gradient(90deg,
  color-mix(in srgb, var(--hw-accent) 22%, transparent) var(--hw-part), transparent 0);
  border: 1px solid var(--hw-line); white-space: pre; overflow: hidden; text-overflow: ellipsis;
  min-height: 1.45em; cursor: pointer; }
.hw-strong li:empty { border-color: transparent; cursor: default; }
.hw-strong li.hw-lit { border-color: var(--hw-pick); }
.hw-arcs { display: block; overflow: hidden; }
.hw-arcs text { font: 11px var(--hw-mono); fill: var(--hw-quiet); }
.hw-arcs text.hw-own { fill: var(--hw-fg); font-weight: 600; }
.hw-arcs path { fill: none; stroke: var(--hw-pick); }
.hw-arcs path.hw-minus { stroke: var(--hw-accent); }
.hw-arcs path.hw-lit { stroke-opacity: 1; stroke-width: 4; }
@container (max-width: 640px) { .hw-line { min-height: 3em; } .hw-model { flex-basis: 60%; } }
` +
  CELLS_STYLE +
  MAP_STYLE;
