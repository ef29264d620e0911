// What all widgets look like: a frame, a few words, and one block of design tokens, on the
// widget's own root: JupyterLab's variables where there are any, else light or dark by the
// host's marker, else by the system.

/** A style sheet; the build makes it small. */
export const css = String.raw;

const dark = (where: string) => css`
${where} {
  --hw-bg: var(--jp-layout-color1, #181a1f);
  --hw-fg: var(--jp-content-font-color1, #e8e8e8);
  --hw-quiet: var(--jp-content-font-color2, #a9adb5);
  --hw-line: var(--jp-border-color2, #3d424b);
  --hw-soft: var(--jp-layout-color2, #24272e);
  --hw-accent: var(--jp-brand-color1, #64b5f6);
  --hw-bad: #ff8a80;
  --hw-pick: #ff9d4d;
  --hw-cite: #f29ccb;
}
`;

const TOKENS = css`
.hw-root {
  --hw-bg: var(--jp-layout-color1, #fff);
  --hw-fg: var(--jp-content-font-color1, #1b1b1b);
  --hw-quiet: var(--jp-content-font-color2, #5a5f68);
  --hw-line: var(--jp-border-color2, #ddd);
  --hw-soft: var(--jp-layout-color2, #f3f4f6);
  --hw-accent: var(--jp-brand-color1, #0b6bcb);
  --hw-bad: #b3261e;
  --hw-pick: #d55e00;
  --hw-cite: #c7569a;
  --hw-mono: var(--jp-code-font-family, ui-monospace, monospace);
  box-sizing: border-box;
  width: 100%;
  color: var(--hw-fg);
  background: var(--hw-bg);
  font: 13px/1.45 var(--jp-ui-font-family, system-ui, sans-serif);
  container-type: inline-size;
  padding: 10px 12px;
  border: 1px solid var(--hw-line);
  border-radius: 6px;
}
.hw-root [hidden] { display: none; }
.hw-title { font-weight: 600; font-size: 15px; }
.hw-quiet { color: var(--hw-quiet); }
.hw-why { color: var(--hw-bad); }
.hw-badge { border: 1px solid var(--hw-line); border-radius: 3px; padding: 0 6px; }
@media (prefers-reduced-motion: reduce) { .hw-root * { transition: none !important; } }
`;

const UNTOLD =
  ":root:not([data-theme], .light, .light-theme) " +
  "body:not([data-jp-theme-light], .light, .light-theme) .hw-root";
const TOLD = [".dark", ".dark-theme", '[data-theme="dark"]', '[data-jp-theme-light="false"]'];
const THEMES = `@media (prefers-color-scheme: dark) {${dark(UNTOLD)}}
${dark(TOLD.map((marker) => `${marker} .hw-root`).join())}`;

/** Style element for a widget's root: the tokens and the widget's own rules. */
export function style(rules: string): HTMLStyleElement {
  const element = document.createElement("style");
  element.textContent = TOKENS + THEMES + rules;
  return element;
}
