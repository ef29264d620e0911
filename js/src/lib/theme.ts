// One block of design tokens, on the widget's own root: JupyterLab's variables where there
// are any, else light or dark by the host's marker, else by the system.

const DARK = `
  --hw-bg: var(--jp-layout-color1, #181a1f);
  --hw-fg: var(--jp-content-font-color1, #e8e8e8);
  --hw-quiet: var(--jp-content-font-color2, #a9adb5);
  --hw-line: var(--jp-border-color2, #3d424b);
  --hw-soft: var(--jp-layout-color2, #24272e);
  --hw-accent: var(--jp-brand-color1, #64b5f6);
  --hw-bad: #ff8a80;`;

const LIGHT = `
  --hw-bg: var(--jp-layout-color1, #fff);
  --hw-fg: var(--jp-content-font-color1, #1b1b1b);
  --hw-quiet: var(--jp-content-font-color2, #5a5f68);
  --hw-line: var(--jp-border-color2, #ddd);
  --hw-soft: var(--jp-layout-color2, #f3f4f6);
  --hw-accent: var(--jp-brand-color1, #0b6bcb);
  --hw-bad: #b3261e;`;

const TOKENS = `
.hw-root {${LIGHT}
  --hw-mono: var(--jp-code-font-family, ui-monospace, monospace);
  box-sizing: border-box;
  width: 100%;
  color: var(--hw-fg);
  background: var(--hw-bg);
  font: 13px/1.45 var(--jp-ui-font-family, system-ui, sans-serif);
  container-type: inline-size;
}
@media (prefers-color-scheme: dark) {
  :root:not([data-theme], .light, .light-theme) body:not([data-jp-theme-light], .light, .light-theme) .hw-root {${DARK}
  }
}
.dark .hw-root, .dark-theme .hw-root, [data-theme="dark"] .hw-root,
[data-jp-theme-light="false"] .hw-root {${DARK}
}
@media (prefers-reduced-motion: reduce) { .hw-root * { transition: none !important; } }
`;

/** Style element for a widget's root: the tokens and the widget's own rules. */
export function style(rules: string): HTMLStyleElement {
  const element = document.createElement("style");
  element.textContent = TOKENS + rules;
  return element;
}
