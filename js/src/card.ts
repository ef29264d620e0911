// The session's card: plain DOM from plain values, complete without a kernel.

import { h } from "./lib/dom";
import { css } from "./lib/theme";
import { type State, say } from "./state";

/** Longest list of tokens that is shown; the rest is counted. */
const MOST_TOKENS = 200;

export const CARD_STYLE = css`
.hw-row { display: flex; gap: 4px 12px; flex-wrap: wrap; align-items: baseline; margin: 2px 0; }
.hw-name { font-weight: 600; }
.hw-label { color: var(--hw-quiet); min-width: 5.5em; }
.hw-tokens { display: flex; flex-wrap: wrap; gap: 2px; flex: 1; min-width: 0; }
.hw-token { font-family: var(--hw-mono); white-space: pre; background: var(--hw-soft);
  border-radius: 3px; padding: 0 3px; max-width: 20em; overflow: hidden; text-overflow: ellipsis; }
.hw-status[data-hw-state="error"] { color: var(--hw-bad); }
.hw-cancel { font: inherit; color: inherit; background: var(--hw-soft); cursor: pointer;
  border: 1px solid var(--hw-line); border-radius: 4px; padding: 0 8px; }
.hw-cancel:focus-visible { outline: 2px solid var(--hw-accent); }
`;

/** The rows of the card, top to bottom. */
export function rows(state: State): HTMLElement[] {
  const { n_layers: layers, n_heads: heads, numerics, name } = state.model;
  const shape = layers === undefined ? "" : `${layers} layers × ${heads} heads`;
  const place = state.n_prompts === 1 ? "n = 1" : `${state.index + 1} of ${state.n_prompts}`;
  return [
    h(
      "div",
      "hw-row",
      h("span", "hw-name", String(name ?? "no model")),
      h("span", "hw-quiet", [shape, numerics].filter(Boolean).join(" · ")),
      h("span", "hw-quiet hw-revision", `revision ${state.revision}`),
    ),
    row("prompt", tokens(state.tokens), h("span", "hw-quiet", place)),
    row("head", h("span", "hw-selection", state.selection || "none selected")),
    row("edits", h("span", "hw-edits", state.edits.map(say).join("; ") || "none")),
  ];
}

/** The words of the status line. */
export function statusText(state: State): string {
  if (state.status === "busy") {
    return state.progress > 0 ? `computing, ${Math.round(100 * state.progress)} %` : "computing";
  }
  return state.status === "error" ? state.message : "ready";
}

function row(label: string, ...content: HTMLElement[]): HTMLElement {
  return h("div", "hw-row", h("span", "hw-label", label), ...content);
}

function tokens(pieces: string[]): HTMLElement {
  const shown = pieces.slice(0, MOST_TOKENS).map((piece) => h("span", "hw-token", visible(piece)));
  const more = pieces.length - shown.length;
  return h("span", "hw-tokens", ...shown, ...(more > 0 ? [`and ${more} more`] : []));
}

/** Make spaces, breaks, controls and zero-width characters visible. */
export function visible(piece: string): string {
  return piece
    .replace(/^ | $/g, "·")
    .replace(/\n/g, "⏎")
    .replace(/\t/g, "⇥")
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (c) => `‹${c.codePointAt(0)?.toString(16)}›`);
}
