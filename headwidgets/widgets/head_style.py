"""How a page of a head looks: JupyterLab's colours where there are any, else light or dark."""

from __future__ import annotations

_LIGHT = """
--hw-bg: var(--jp-layout-color1, #fff); --hw-fg: var(--jp-content-font-color1, #1b1b1b);
--hw-quiet: var(--jp-content-font-color2, #5a5f68); --hw-line: var(--jp-border-color2, #ddd);
--hw-soft: var(--jp-layout-color2, #f3f4f6); --hw-blue: #0072b2; --hw-red: #c0392b;
--hw-green: #00795a; --hw-pick: #d55e00;
"""
_DARK = """
--hw-bg: var(--jp-layout-color1, #181a1f); --hw-fg: var(--jp-content-font-color1, #e8e8e8);
--hw-quiet: var(--jp-content-font-color2, #a9adb5); --hw-line: var(--jp-border-color2, #3d424b);
--hw-soft: var(--jp-layout-color2, #24272e); --hw-blue: #56b4e9; --hw-red: #ff8a80;
--hw-green: #3ecf9f; --hw-pick: #ff9d4d;
"""
_UNTOLD = (
    ":root:not([data-theme], .light, .light-theme) "
    "body:not([data-jp-theme-light], .light, .light-theme) .hw-head"
)
_TOLD = ", ".join(
    f"{marker} .hw-head"
    for marker in (".dark", ".dark-theme", '[data-theme="dark"]', '[data-jp-theme-light="false"]')
)
_RULES = """
.hw-head.hw-head { box-sizing: border-box; max-width: 1120px; padding: 18px 20px 14px;
  color: var(--hw-fg); background: var(--hw-bg); border: 1px solid var(--hw-line);
  border-radius: 8px; font: 13px/1.5 var(--jp-ui-font-family, system-ui, sans-serif);
  container-type: inline-size; text-align: left; }
.hw-head * { box-sizing: border-box; }
.hw-head.hw-head :where(h2, h3, p) { margin: 0; padding: 0; color: inherit; }
.hw-head.hw-head h2 { font-size: 24px; line-height: 1.2; font-weight: 650;
  letter-spacing: -.01em; }
.hw-head.hw-head h3 { font-size: 14px; line-height: 1.4; font-weight: 650; }
.hw-head .hw-quiet { color: var(--hw-quiet); }
.hw-head .hw-small { font-size: 12px; }
.hw-head .hw-num { font-variant-numeric: tabular-nums; white-space: nowrap; }
.hw-head header { display: flex; flex-wrap: wrap; gap: 4px 18px; align-items: baseline;
  padding-bottom: 12px; border-bottom: 1px solid var(--hw-line); }
.hw-head .hw-badges { display: flex; flex-wrap: wrap; gap: 6px; flex: 1 1 300px; }
.hw-head .hw-badge { border: 1px solid var(--hw-line); border-radius: 99px; padding: 1px 10px;
  font-weight: 550; }
.hw-head .hw-is { color: var(--hw-green); border-color: currentColor; }
.hw-head .hw-grid { display: grid; gap: 22px 36px; grid-template-columns: minmax(0, 1fr);
  margin-top: 16px; }
@container (min-width: 780px) {
  .hw-head .hw-grid { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
  .hw-head .hw-wide { grid-column: 1 / -1; }
}
.hw-head.hw-head .hw-lead { margin-bottom: 9px; }
.hw-head.hw-head p.hw-quiet { color: var(--hw-quiet); }
.hw-head .hw-token { font-family: var(--jp-code-font-family, ui-monospace, monospace);
  font-size: 12px; white-space: pre-wrap; overflow-wrap: anywhere; }
.hw-head .hw-rows { display: grid; gap: 7px; }
.hw-head .hw-role { display: grid; grid-template-columns: 14px minmax(0, 1fr) 110px 44px;
  gap: 0 8px; align-items: center; }
.hw-head .hw-role > .hw-small { grid-column: 2 / -1; }
.hw-head .hw-name { font-weight: 550; }
.hw-head .hw-mark { text-align: center; }
.hw-head .hw-good { color: var(--hw-green); }
.hw-head .hw-bad { color: var(--hw-red); }
.hw-head .hw-track { position: relative; display: block; height: 8px; border-radius: 4px;
  background: var(--hw-soft); }
.hw-head .hw-fill { position: absolute; display: block; top: 0; bottom: 0; border-radius: 4px;
  background: var(--hw-blue); }
.hw-head .hw-minus { background: var(--hw-red); }
.hw-head .hw-tick { position: absolute; display: block; top: -3px; bottom: -3px; width: 2px;
  margin-left: -1px; background: var(--hw-fg); }
.hw-head details { margin-top: 9px; }
.hw-head summary { cursor: pointer; color: var(--hw-quiet); }
.hw-head details .hw-rows { margin-top: 8px; }
.hw-head .hw-edit { display: grid; grid-template-columns: 66px minmax(0, 1fr) 132px;
  gap: 0 10px; align-items: center; }
.hw-head .hw-rest { grid-column: 2 / -1; }
.hw-head .hw-edit .hw-tick { background: var(--hw-quiet); width: 1px; }
.hw-head .hw-span { position: absolute; display: block; top: 3px; height: 2px;
  background: var(--hw-fg); }
.hw-head .hw-pair { display: grid; grid-template-columns: 96px minmax(0, 1fr); gap: 3px 12px;
  align-items: baseline; }
.hw-head .hw-pair > .hw-token { font-weight: 650; text-align: right; }
.hw-head .hw-chips { display: flex; flex-wrap: wrap; gap: 3px 4px; grid-column: 2; }
@container (min-width: 780px) {
  .hw-head .hw-pair { grid-template-columns: 96px minmax(0, 1fr) minmax(0, 1fr); }
  .hw-head .hw-pair.hw-one { grid-template-columns: 96px minmax(0, 1fr); }
  .hw-head .hw-chips + .hw-chips { grid-column: 3; }
}
.hw-head .hw-chip { border-radius: 4px; padding: 0 6px;
  background: color-mix(in srgb, var(--hw-blue) calc(6% + 38% * var(--a)), transparent); }
.hw-head .hw-chip.hw-less {
  background: color-mix(in srgb, var(--hw-red) calc(6% + 34% * var(--a)), transparent); }
.hw-head .hw-chip .hw-num { font-size: 11px; margin-left: 5px; opacity: .8; }
.hw-head .hw-bars { display: flex; align-items: stretch; gap: 3px; height: 150px;
  margin-top: 22px; }
.hw-head .hw-col { position: relative; flex: 1 1 0; min-width: 0; display: flex;
  flex-direction: column; }
.hw-head .hw-first { flex: 1.7 1 0; margin-right: 8px; }
.hw-head .hw-well { position: relative; flex: 1; border-bottom: 1px solid var(--hw-quiet); }
.hw-head .hw-up { position: absolute; display: block; left: 0; right: 0; bottom: 0;
  border-radius: 3px 3px 0 0; background: var(--hw-blue); }
.hw-head .hw-few .hw-up { opacity: .4; }
.hw-head .hw-first .hw-up { background: var(--hw-quiet); }
.hw-head .hw-even { position: absolute; display: block; left: -1px; right: -1px; height: 2px;
  margin-bottom: -1px; background: var(--hw-pick); }
.hw-head .hw-top { position: absolute; left: 50%; transform: translateX(-50%); font-size: 11px;
  margin-bottom: 1px; }
.hw-head .hw-foot { height: 20px; font-size: 11px; text-align: center; white-space: nowrap;
  color: var(--hw-quiet); }
.hw-head .hw-key { display: inline-block; width: 12px; height: 8px; border-radius: 2px;
  background: var(--hw-blue); margin-right: 4px; }
.hw-head .hw-key.hw-line { height: 2px; border-radius: 0; background: var(--hw-pick);
  vertical-align: 3px; }
.hw-head .hw-look { display: grid; grid-template-columns: minmax(0, 1fr) 60px 60px 60px;
  gap: 0 10px; align-items: baseline; padding: 4px 0; border-top: 1px solid var(--hw-line); }
.hw-head .hw-look > .hw-num { text-align: right; }
.hw-head .hw-text { font-family: var(--jp-code-font-family, ui-monospace, monospace);
  font-size: 12px; line-height: 1.7; white-space: pre-wrap; overflow-wrap: anywhere; }
.hw-head mark { color: inherit; border-radius: 3px; padding: 1px 1px; }
.hw-head .hw-seen { background: color-mix(in srgb, var(--hw-blue) calc(10% + 40% * var(--a)),
  transparent); }
.hw-head .hw-asks { background: none; box-shadow: 0 0 0 1.5px var(--hw-pick); }
.hw-head .hw-both { box-shadow: 0 0 0 1.5px var(--hw-pick); }
.hw-head .hw-rows + p { margin-top: 8px; }
@container (max-width: 560px) {
  .hw-head .hw-look { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .hw-head .hw-look > :first-child { grid-column: 1 / -1; }
  .hw-head .hw-zero { visibility: hidden; }
}
.hw-head footer { margin-top: 18px; padding-top: 8px; border-top: 1px solid var(--hw-line); }
"""

STYLE = (
    f".hw-head {{{_LIGHT}}}\n"
    f"@media (prefers-color-scheme: dark) {{ {_UNTOLD} {{{_DARK}}} }}\n"
    f"{_TOLD} {{{_DARK}}}\n{_RULES}"
)
"""The rules; nothing outside of ``.hw-head`` is touched."""
