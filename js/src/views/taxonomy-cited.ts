// What an open card says of the heads that others published: source by source, each head with what
// was measured of it there.

import { button, h } from "../lib/dom";
import {
  cited,
  headsIn,
  inFull,
  measured,
  type Published,
  type Voice,
  voices,
} from "../lib/published";
import { css } from "../lib/theme";
import { fold } from "./published-marks";

export const CITED_STYLE = css`
.hw-cited { margin: 6px 0; padding-left: 8px; border-left: 3px solid var(--hw-cite); font-size: 12px; }
.hw-kindview .hw-claims { margin: 4px 0; font-size: 12px; }
.hw-cited > div > span { display: inline-block; white-space: nowrap; }
.hw-cited > div { padding: 1px 0; }
.hw-cited .hw-quiet { margin-right: 6px; }
.hw-kindview .hw-cited button { padding: 0 3px; height: auto; line-height: 17px; font-size: 12px;
  border-color: transparent; text-decoration: underline dotted; text-underline-offset: 2px; }
.hw-kindview .hw-cited button.hw-on { border-color: var(--hw-pick); }
.hw-cited small { margin-left: 3px; font-family: var(--hw-mono); font-size: 11px; margin-right: 5px;
  color: var(--hw-quiet); }
`;

/** The published heads of a kind; nothing where there are none. */
export function citations(
  published: Published,
  kind: string,
  selection: string,
  pick: (head: string) => void,
): HTMLElement[] {
  const all = voices(published.kinds.get(kind) ?? []);
  if (!all.length) return [];
  const title = h("div", "", fold(), h("b", "", `published for ${published.model}`));
  const lines = all.map((voice) => line(voice, selection, pick));
  return [h("div", "hw-cited", title, ...lines)];
}

/** A source, and its heads. */
function line({ source, status, facts }: Voice, selection: string, pick: (head: string) => void) {
  const named = headsIn(facts).map((head) => {
    const mine = facts.filter((fact) => fact.head === head);
    const one = button(head, () => pick(head), `select head ${head}`);
    one.className = head === selection ? "hw-on" : "";
    one.title = mine.map(inFull).join("\n");
    const value = mine.map(measured).find(Boolean);
    return h("span", "", one, ...(value ? [h("small", "", value)] : []));
  });
  const whom = h("span", "hw-quiet", `${cited(source)} · ${status}`);
  whom.title = source;
  return h("div", "", whom, ...named);
}
