// What was published of a model's heads; the other half of headwidgets/widgets/published.py.

/** How far a fact was checked, the nearest first. */
export const STATUSES = ["paper", "code", "computed", "secondary"];

type Row = [
  head: string,
  value: number | null,
  source: number,
  status: number,
  measure: number,
  method: number,
];

/** Empty, where nothing was. */
export interface PublishedHeader {
  model?: string;
  words?: string[];
  /** By kind, in the order of the taxonomy. */
  facts?: Record<string, Row[]>;
}

/** One head, as one source has it. */
export interface Fact {
  kind: string;
  head: string;
  /** null where the source only names the head. */
  value: number | null;
  /** Paper with its number, or repository. */
  source: string;
  status: string;
  /** What the value is. */
  measure: string;
  /** How the head was found. */
  method: string;
}

export interface Published {
  model: string;
  /** In the atlas' order: the nearest to the score of the kind first. */
  kinds: Map<string, Fact[]>;
  heads: Map<string, Fact[]>;
}

export function readPublished(header: PublishedHeader | undefined): Published {
  const { model = "", words = [], facts = {} } = header ?? {};
  const out: Published = { model, kinds: new Map(), heads: new Map() };
  const put = (of: Map<string, Fact[]>, name: string, fact: Fact) =>
    of.set(name, [...(of.get(name) ?? []), fact]);
  for (const [kind, rows] of Object.entries(facts)) {
    for (const [head, value, ...at] of rows) {
      const [source = "", status = "", measure = "", method = ""] = at.map((i) => words[i]);
      const fact = { kind, head, value, source, status, measure, method };
      put(out.kinds, kind, fact);
      put(out.heads, head, fact);
    }
  }
  return out;
}

/** What one source says, of one head or of several. */
export interface Voice {
  source: string;
  status: string;
  facts: Fact[];
}

/** Facts by their source, the one that was checked nearest first. */
export function voices(facts: Fact[]): Voice[] {
  const found = new Map<string, Voice>();
  for (const fact of facts) {
    const { source, status } = fact;
    const key = `${STATUSES.indexOf(status)} ${source}`;
    const voice = found.get(key) ?? { source, status, facts: [] };
    voice.facts.push(fact);
    found.set(key, voice);
  }
  const rank = ({ status }: Voice) => STATUSES.indexOf(status);
  return [...found.values()].sort((a, b) => rank(a) - rank(b));
}

/** The heads that facts are of, each once. */
export const headsIn = (facts: Fact[]): string[] => [...new Set(facts.map(({ head }) => head))];

/** Of one head, what it is called by whom: kind by kind. */
export function claims({ heads }: Published, head: string): [string, Voice[]][] {
  const mine = heads.get(head) ?? [];
  const kinds = [...new Set(mine.map(({ kind }) => kind))];
  return kinds.map((kind) => [kind, voices(mine.filter((fact) => fact.kind === kind))]);
}

/** A source as it is cited: “Wang et al. 2022”; of code alone, the repository's name. */
export function cited(source: string): string {
  const [paper = source] = source.split(/ \(arXiv|, [\w-]+\/[\w-]+$/);
  const several = /^([^,]+), .* and .* (\d{4}\w?)$/.exec(paper);
  return several ? `${several[1]} et al. ${several[2]}` : (paper.split("/").pop() ?? paper);
}

/** A value in three digits; of a share in percent, with its sign. */
export function measured({ value, measure }: Fact): string {
  if (value === null) return "";
  const text = String(Number(value.toPrecision(3))).replace("-", "−");
  return measure.endsWith("%") ? `${text} %` : text;
}

/** All that a fact says. */
export function inFull(fact: Fact): string {
  const number = fact.value === null ? "" : `${measured(fact)} (${fact.measure})`;
  return [`${fact.source}, ${fact.status}`, number, fact.method].filter(Boolean).join("; ");
}

/** Letters of heads for which a short line has room. */
const ROOM = 11;

/**
 * A kind's heads in a line: “9.9, 9.6 (Wang et al. 2022) +2”; "" where there is none. A short one
 * has as many heads as there is room for, and no year.
 */
export function inALine({ kinds }: Published, kind: string, short = false): string {
  const facts = kinds.get(kind) ?? [];
  const [first] = voices(facts);
  if (!first) return "";
  const fits = (_: string, i: number, all: string[]) =>
    i === 0 || !short || all.slice(0, i + 1).join(", ").length <= ROOM;
  const named = headsIn(first.facts).filter(fits);
  const rest = headsIn(facts).length - named.length;
  const whom = cited(first.source).replace(short ? / \d{4}\w?$/ : "", "");
  return `${named.join(", ")} (${whom})${rest ? ` +${rest}` : ""}`;
}

/** A head's claims, for those who do not see the card. */
export function spokenClaims(published: Published, head: string): string {
  const each = claims(published, head).map(
    ([kind, [voice]]) => `${kind} by ${cited(voice?.source ?? "")}, ${voice?.status}`,
  );
  return each.length ? `published as ${each.join("; ")}` : "";
}
