// How a published head is marked: a folded corner, as of a page, on its cell and before the lines
// that say by whom it was published as what.

import { h } from "../lib/dom";
import { GUTTER, RULER } from "../lib/heatmap";
import { cited, claims, inFull, measured, type Published } from "../lib/published";
import { css } from "../lib/theme";
import type { Paint } from "./paint";

export const PUBLISHED_STYLE = css`
.hw-fold { display: inline-block; width: 8px; height: 8px; margin-right: 5px; background: var(--hw-cite);
  clip-path: polygon(100% 0, 100% 100%, 0 100%); }
.hw-claim { padding-left: 13px; text-indent: -13px; overflow-wrap: anywhere; }
.hw-claim b { font-weight: 600; }
.hw-claim code { font-family: var(--hw-mono); font-size: 12px; }
`;
/** Lines of a head; what is beyond is counted. */
const LINES = 4;

/** The mark itself. */
export const fold = (): HTMLElement => h("i", "hw-fold");

/** What a head is published as, a line a kind; all that is known of it as the line's title. */
export function claimLines(published: Published, head: string): HTMLElement[] {
  const all = claims(published, head);
  const lines = all.slice(0, LINES).map(([kind, voices]) => {
    const [first] = voices;
    const [fact] = first?.facts ?? [];
    const others = voices.length - 1;
    const whom = `${cited(first?.source ?? "")} · ${first?.status}${others ? `, +${others} more` : ""}`;
    const value = fact ? measured(fact) : "";
    const line = h(
      "div",
      "hw-claim",
      ...[fold(), h("b", "", kind), " "],
      ...(value ? [h("code", "", value), " "] : []),
      h("span", "hw-quiet", whom),
    );
    line.title = voices.flatMap((voice) => voice.facts.map(inFull)).join("\n");
    return line;
  });
  const rest = all.length - lines.length;
  return rest > 0 ? [...lines, h("div", "hw-quiet", `and as ${rest} more`)] : lines;
}

/** How long a folded corner is on a cell so wide. */
export const foldSize = (wide: number): number => (wide < 16 ? 4 : wide < 26 ? 6 : 8);

/** Fold the lower right corner of every published head's cell; `seen` is how strongly. */
export function folds(
  context: CanvasRenderingContext2D,
  published: Published,
  { wide, high, seen }: { wide: number; high: number; seen: (head: string) => number },
  paint: Paint,
): void {
  const [right, low] = [wide > 12 ? 2 : 1, high > 12 ? 2 : 1];
  for (const name of published.heads.keys()) {
    const [layer = 0, head = 0] = name.split(".").map(Number);
    const [x, y] = [GUTTER + (head + 1) * wide - right, RULER + (layer + 1) * high - low];
    context.globalAlpha = seen(name);
    corner(context, x, y, foldSize(wide) + 2, paint.surface);
    corner(context, x, y, foldSize(wide), paint.cite);
  }
  context.globalAlpha = 1;
}

function corner(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  side: number,
  ink: string,
): void {
  context.fillStyle = ink;
  context.beginPath();
  context.moveTo(x, y - side);
  context.lineTo(x, y);
  context.lineTo(x - side, y);
  context.fill();
}
