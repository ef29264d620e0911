// The passport of the selected head: all that it was found to be. A head has many roles.

import { button, h } from "../lib/dom";
import type { Published } from "../lib/published";
import { claimLines } from "./published-marks";
import { proved } from "./taxonomy-card";
import {
  type Entry,
  passport as entriesOf,
  markOf,
  NOT_MEASURABLE,
  number,
  pOf,
  type Roles,
} from "./taxonomy-data";

/** The kind whose study is a tab of the explorer. */
const LAB = "successor";

/** What is known of a head, the best verdict first. */
export function passport(
  roles: Roles,
  published: Published,
  head: string,
  total: number,
  open: (kind: string) => void,
  lab?: () => void,
): HTMLElement[] {
  const title = h("div", "hw-sidehead", h("h3", "", head ? `head ${head}` : "no head selected"));
  if (!head) return [title, h("p", "hw-quiet", "Click a head on a card: its passport opens here.")];
  const all = entriesOf(roles, head);
  const known = all.filter(({ verdict }) => verdict !== NOT_MEASURABLE);
  const rest = all.length - known.length;
  const words = [
    `${known.length} of ${total} kinds measured`,
    rest ? `${rest} not measurable here` : "",
  ];
  const about = h("div", "hw-small", words.filter(Boolean).join(" · "));
  const claims = h("div", "hw-claims", ...claimLines(published, head));
  if (!known.length) return [title, about, claims];
  const rows: HTMLElement[] = [];
  let verdict = "";
  for (const one of known) {
    if (one.verdict !== verdict) {
      verdict = one.verdict;
      rows.push(heading(`${markOf(verdict)} ${verdict}`));
    }
    rows.push(row(one, roles, head, open, one.kind === LAB ? lab : undefined));
  }
  const names = ["kind", "score", "null ≤", "p", ""];
  const top = names.map((name, i) => h(name ? "th" : "td", i ? "hw-num" : "", name));
  return [
    title,
    about,
    claims,
    h("table", "", h("thead", "", h("tr", "", ...top)), h("tbody", "", ...rows)),
  ];
}

function heading(text: string): HTMLElement {
  const cell = h("th", "", text);
  cell.colSpan = 5;
  return h("tr", "", cell);
}

function row(
  { kind, found, score, p }: Entry,
  roles: Roles,
  head: string,
  open: (kind: string) => void,
  lab?: () => void,
): HTMLElement {
  const proof = roles.proofs.find((one) => one.kind === kind && one.head === head);
  const name = button(kind, () => open(kind), `open the card of ${kind}`);
  const more = lab ? [button("lab", lab, `open the succession lab on ${head}`)] : [];
  const old = found.stale ? [h("div", "hw-small", "before your edit")] : [];
  return h(
    "tr",
    "",
    h("td", "", name, ...more, ...old),
    h("td", "hw-num", number(score)),
    h("td", "hw-num", number(found.null_max)),
    h("td", "hw-num", pOf(p)),
    h("td", "", ...(proof ? [proved(proof, true)] : [])),
  );
}
