// How the emergence lab looks.

import { css } from "../lib/theme";

export const EMERGENCE_STYLE = css`
.hw-emergence { --k0: #0072b2; --k1: #d55e00; --k2: #009e73; --k3: #cc79a7; --k4: #e69f00;
  --k5: #56b4e9; --k6: #8a8a8a; --k7: #7f4fc9; }
.hw-emergence :is(select, button) { font: inherit; color: var(--hw-fg); background: var(--hw-bg);
  border: 1px solid var(--hw-line); border-radius: 5px; padding: 1px 8px; height: 26px;
  cursor: pointer; box-sizing: border-box; max-width: 100%; }
.hw-emergence :is(select, button):disabled { cursor: default; color: var(--hw-quiet); }
.hw-emergence :is(select, button, input):focus-visible { outline: 2px solid var(--hw-accent);
  outline-offset: 1px; }
.hw-emergence .hw-term { height: auto; border: 0; padding: 0; background: none; cursor: help; }
.hw-emergence .hw-main { font-weight: 600; border-color: var(--hw-accent); }
.hw-emergence h3 { font-size: 13px; font-weight: 600; margin: 0; }
.hw-tools select { max-width: 136px; }
.hw-small { color: var(--hw-quiet); font-size: 12px; }
.hw-line { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; }
.hw-top { display: flex; flex-wrap: wrap; gap: 6px 12px; align-items: center; min-height: 28px; }
.hw-controls { min-height: 28px; flex: 1 1 320px; }
.hw-said { flex: 1 1 160px; min-width: 0; line-height: 1.3; max-height: 2.6em; overflow: auto; }
.hw-controls progress { width: 80px; height: 8px; accent-color: var(--hw-accent); }
.hw-bar5 { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; margin: 6px 0 8px;
  min-height: 28px; }
.hw-chips { display: flex; flex-wrap: wrap; gap: 5px; }
.hw-chip { display: inline-flex; border: 1px solid var(--hw-line); border-radius: 13px; }
.hw-emergence .hw-chip button { border: 0; background: none; border-radius: 13px; height: 24px;
  display: inline-flex; gap: 6px; align-items: center; }
.hw-emergence .hw-chip button + button { padding: 0 8px 0 2px; color: var(--hw-quiet); }
.hw-chip.hw-mine { border-color: var(--hw-fg); box-shadow: inset 0 0 0 1px var(--hw-fg);
  font-weight: 600; }
.hw-swatch { width: 11px; height: 11px; border-radius: 50%; flex: none; }
.hw-c0 { --k: var(--k0); } .hw-c1 { --k: var(--k1); } .hw-c2 { --k: var(--k2); }
.hw-c3 { --k: var(--k3); } .hw-c4 { --k: var(--k4); } .hw-c5 { --k: var(--k5); }
.hw-c6 { --k: var(--k6); } .hw-c7 { --k: var(--k7); }
.hw-of-A { --k: var(--k0); } .hw-of-B { --k: var(--k1); } .hw-of-C { --k: var(--k2); }
.hw-swatch { background: var(--k); }
.hw-body5 { display: grid; gap: 12px 20px; }
.hw-body5 > section { min-width: 0; }
.hw-head5 { display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: center;
  justify-content: space-between; min-height: 28px; margin-bottom: 2px; }
.hw-chart { outline: none; border-radius: 4px; cursor: crosshair; line-height: 0; }
.hw-chart:focus-visible { box-shadow: 0 0 0 2px var(--hw-accent); }
.hw-chart svg { max-width: 100%; height: auto; overflow: visible; }
.hw-emergence svg text { font: 11px/1 var(--jp-ui-font-family, system-ui, sans-serif);
  fill: var(--hw-fg); }
.hw-emergence svg text.hw-note { fill: var(--hw-quiet); font-size: 10.5px; }
.hw-emergence svg text.hw-bold { font-weight: 700; }
.hw-halo { paint-order: stroke; stroke: var(--hw-bg); stroke-width: 3px; stroke-linejoin: round; }
.hw-emergence svg text.hw-mark { fill: var(--hw-pick); }
.hw-band { fill: var(--hw-quiet); opacity: .13; }
.hw-tick { stroke: var(--hw-line); stroke-width: 1; opacity: .5; }
.hw-axis { stroke: var(--hw-quiet); stroke-width: 1; }
.hw-rule { stroke: var(--hw-quiet); stroke-width: 1; stroke-dasharray: 5 4; }
.hw-rule.hw-fine { stroke-dasharray: 1 4; }
.hw-curve, .hw-lead { fill: none; stroke: color-mix(in oklab, var(--k) 84%, var(--hw-fg)); }
.hw-curve { stroke-width: 1.7; stroke-linejoin: round; stroke-linecap: round; }
.hw-curve.hw-dashed { stroke-dasharray: 6 4; }
.hw-curve.hw-faint { opacity: .4; stroke-width: 1.2; }
.hw-curve.hw-strong { stroke-width: 3; }
.hw-lead { stroke-width: 1; opacity: .6; }
.hw-dot { fill: color-mix(in oklab, var(--k) 84%, var(--hw-fg)); }
.hw-now { stroke: var(--hw-pick); stroke-width: 2; }
.hw-hair { stroke: var(--hw-fg); stroke-width: 1; stroke-dasharray: 2 2; }
.hw-switched { stroke: var(--hw-pick); stroke-width: 1; stroke-dasharray: 3 3; }
.hw-read { font-size: 12px; height: 2.9em; overflow: auto; font-variant-numeric: tabular-nums; }
.hw-scrub { display: flex; gap: 8px; align-items: center; flex-wrap: wrap; margin-top: 4px; }
.hw-scrub input { flex: 1 1 140px; accent-color: var(--hw-pick); min-width: 0; }
.hw-where { font-size: 12px; font-variant-numeric: tabular-nums; flex: 0 1 auto;
  min-width: 17.5em; }
.hw-play { width: 76px; padding: 0 !important; }
.hw-circuit svg { display: block; width: 100%; max-width: 400px; height: auto; margin: 0 auto; }
.hw-stream { stroke: var(--hw-line); stroke-width: 1.5; }
.hw-node { fill: var(--hw-bg); stroke: var(--hw-quiet); }
.hw-flow { fill: none; stroke: color-mix(in oklab, var(--k) 84%, var(--hw-fg));
  stroke-linecap: round; }
.hw-badge5 rect { fill: var(--hw-bg); stroke: color-mix(in oklab, var(--k) 84%, var(--hw-fg));
  stroke-width: 1.5; }
.hw-emergence svg .hw-badge5 text { font-size: 10.5px; font-weight: 600; }
.hw-badge5.hw-is rect { fill: var(--hw-fg); stroke: var(--hw-fg); }
.hw-emergence svg .hw-badge5.hw-is text { fill: var(--hw-bg); }
.hw-steps5 { list-style: none; margin: 4px 0; padding: 0; }
.hw-step { display: grid; grid-template-columns: 24px minmax(0, 1fr) auto; gap: 8px;
  align-items: center; border-top: 1px solid var(--hw-line); padding: 4px 2px; min-height: 38px; }
.hw-number { width: 22px; height: 22px; line-height: 22px; border-radius: 50%; text-align: center;
  border: 1px solid var(--hw-quiet); box-sizing: border-box; line-height: 20px; font-weight: 600;
  font-size: 12px; }
.hw-given .hw-number { background: var(--hw-fg); color: var(--hw-bg); border-radius: 4px; }
.hw-name { display: flex; gap: 5px; align-items: center; flex-wrap: wrap; }
.hw-step > div > .hw-small { line-height: 1.25; }
.hw-emergence .hw-step select { height: 24px; padding: 0 2px; }
.hw-of { border: 1.5px solid color-mix(in oklab, var(--k) 84%, var(--hw-fg)); border-radius: 3px;
  padding: 0 4px; font-size: 11px; line-height: 14px; font-weight: 600; }
.hw-emergence .hw-switch { padding: 0 8px 0 33px; position: relative; min-width: 92px;
  text-align: left; }
.hw-switch::before { content: ""; position: absolute; left: 6px; top: 6px; width: 22px;
  height: 12px; border-radius: 6px; box-sizing: border-box; border: 1px solid var(--hw-quiet); }
.hw-switch::after { content: ""; position: absolute; left: 8px; top: 8px; width: 8px; height: 8px;
  border-radius: 50%; background: var(--hw-quiet); }
.hw-switch[aria-checked="true"] { border-color: var(--hw-fg); font-weight: 600; }
.hw-switch[aria-checked="true"]::before { background: var(--hw-fg); border-color: var(--hw-fg); }
.hw-switch[aria-checked="true"]::after { left: 18px; background: var(--hw-bg); }
.hw-two { height: 2.9em; overflow: auto; margin-top: 4px; }
.hw-tilegrid { outline: none; border-radius: 4px; display: grid; gap: 4px; }
.hw-tilegrid:focus-visible { box-shadow: 0 0 0 2px var(--hw-accent); }
.hw-tiles { display: grid; gap: 4px; }
.hw-tile { border-radius: 5px; text-align: center; padding: 6px 0; cursor: pointer;
  font-size: 12px; line-height: 1.3; font-variant-numeric: tabular-nums; position: relative; }
.hw-tile b { display: block; font-size: 11px; font-weight: 500; }
.hw-tile span { font-weight: 600; }
.hw-tile.hw-mine { box-shadow: 0 0 0 2px var(--hw-bg), 0 0 0 5px var(--hw-pick); z-index: 1; }
.hw-tilegrid:focus-visible .hw-at { outline: 2px dashed var(--hw-fg); outline-offset: 5px; }
.hw-tile.hw-off b { text-decoration: line-through; }
.hw-map { display: grid; gap: 2px; max-width: 292px; }
.hw-map.hw-dense { gap: 0; }
.hw-cell, .hw-none { aspect-ratio: 1.25; display: grid; place-items: center; font-size: 12px;
  border-radius: 3px; font-variant-numeric: tabular-nums; }
.hw-dense > * { aspect-ratio: 1; border-radius: 0; }
.hw-role { align-self: center; text-align: center; font-size: 12px; line-height: 1.3; }
.hw-role sub { font-size: 9px; line-height: 0; }
.hw-scale { height: 8px; border-radius: 3px; flex: 0 1 180px; }
.hw-legend { display: flex; gap: 6px; align-items: center; margin-top: 6px; }
.hw-box { width: 100%; box-sizing: border-box; font: 12px/1.4 var(--hw-mono); min-height: 150px;
  color: var(--hw-fg); background: var(--hw-soft); border: 1px solid var(--hw-line);
  border-radius: 5px; margin-top: 6px; }
.hw-foot5 { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; margin-top: 10px;
  min-height: 28px; }
.hw-foot5 code { font-family: var(--hw-mono); background: var(--hw-soft); padding: 1px 5px;
  border-radius: 3px; user-select: all; }
@container (min-width: 740px) {
  .hw-body5 { grid-template: "a b" auto "c d" auto / minmax(0, 1fr) clamp(318px, 34%, 360px); }
  .hw-area-a { grid-area: a; } .hw-area-b { grid-area: b; } .hw-area-c { grid-area: c; }
  .hw-area-d { grid-area: d; }

}
@container (min-width: 740px) and (max-width: 1000px) {
  .hw-emergence .hw-switch { font-size: 0; min-width: 0; padding: 0 17px; }
}
@container (max-width: 520px) {
  .hw-tile { font-size: 11px; } .hw-tile b { font-size: 10px; }
  .hw-emergence .hw-switch { min-width: 0; }
  .hw-where { min-width: 0; width: 100%; }
  .hw-read { height: 4.4em; }
}
`;
