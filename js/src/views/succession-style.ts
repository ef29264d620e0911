// How the succession lab looks.

import { css } from "../lib/theme";

export const LAB_STYLE = css`
.hw-succession :is(select, input, button, textarea) { font: inherit; color: var(--hw-fg);
  background: var(--hw-bg); border: 1px solid var(--hw-line); border-radius: 5px; padding: 2px 8px;
  box-sizing: border-box; }
.hw-succession :is(select, button) { height: 26px; cursor: pointer; }
.hw-succession button:disabled { cursor: default; color: var(--hw-quiet); border-style: dashed; }
.hw-succession button.hw-term { border: 0; padding: 0; height: auto; background: none; }
.hw-succession :is(select, input, button, textarea, .hw-labheads, .hw-matrix):focus-visible {
  outline: 2px solid var(--hw-accent); outline-offset: 1px; }
.hw-succession input[type="range"] { padding: 0; border: 0; accent-color: var(--hw-accent);
  flex: 1 1 140px; min-width: 100px; background: none; }
.hw-succession h3 { font-size: 13px; font-weight: 600; margin: 0 0 4px; }
.hw-steps { display: grid; gap: 14px; grid-template-columns: minmax(0, 1fr); margin-top: 8px; }
.hw-steps > section { border: 1px solid var(--hw-line); border-radius: 5px; padding: 8px 10px;
  min-width: 0; }
.hw-line { display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: center; }
.hw-small { font-size: 12px; color: var(--hw-quiet); }
.hw-labheads { max-height: 232px; overflow: auto; margin: 4px 0; border-radius: 4px; }
.hw-labheads table, .hw-shares { border-collapse: collapse; font-size: 12px; min-width: 60%; }
.hw-labheads :is(th, td), .hw-shares :is(th, td) { text-align: right; padding: 2px 6px;
  font-weight: 400; font-variant-numeric: tabular-nums; white-space: nowrap; }
.hw-succession :is(th, td):first-child { text-align: left; }
.hw-labheads thead th { position: sticky; top: 0; background: var(--hw-bg);
  color: var(--hw-quiet); }
.hw-labheads tbody tr { cursor: pointer; }
.hw-labheads tbody tr:hover { background: var(--hw-soft); }
.hw-labheads tr[aria-selected="true"] { box-shadow: inset 3px 0 var(--hw-pick); font-weight: 600;
  background: var(--hw-soft); }
.hw-bar { position: relative; display: inline-block; height: 9px; width: 84px;
  background: var(--hw-soft); border: 1px solid var(--hw-line); vertical-align: -1px; }
.hw-bar > i { position: absolute; inset: 0 auto 0 0; background: #0072b2; }
.hw-bar > b { position: absolute; top: -3px; bottom: -3px; width: 2px; background: var(--hw-fg); }
.hw-bar > u { position: absolute; top: 3px; height: 2px; background: var(--hw-fg); }
.hw-matrix { display: block; width: fit-content; max-width: 100%; border-radius: 3px; }
.hw-matrix canvas { display: block; max-width: 100%; cursor: crosshair; }
.hw-read { min-height: 36px; margin-top: 4px; font-size: 12px;
  font-variant-numeric: tabular-nums; }
.hw-sets { display: grid; gap: 2px 10px; font-size: 12px; align-items: center;
  grid-template-columns: max-content 1fr max-content; }
.hw-slide canvas { display: block; width: 100%; }
.hw-succession textarea { width: 100%; min-height: 52px; resize: vertical; margin: 4px 0; }
.hw-succession progress { width: 110px; height: 8px; accent-color: var(--hw-accent); }
.hw-cases { max-height: 330px; overflow: auto; margin: 6px 0 0; padding: 0; list-style: none; }
.hw-cases li { border-top: 1px solid var(--hw-line); padding: 5px 2px; }
.hw-context { font-family: var(--hw-mono); font-size: 12px; white-space: pre-wrap;
  overflow-wrap: anywhere; }
.hw-context mark { color: inherit; border-radius: 2px; }
.hw-context b { border-bottom: 2px solid #0072b2; }
.hw-kindof { border: 1px solid var(--hw-line); border-radius: 3px; padding: 0 5px;
  font-size: 12px; }
@container (min-width: 860px) {
  .hw-steps { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
  .hw-steps > .hw-wide { grid-column: 1 / -1; }
  .hw-wide .hw-pair { display: grid; gap: 16px;
    grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); } }
`;
