// Heads that work together; the other half of headwidgets/widgets/together.py.

import { visible } from "../card";

/** What wrote a query or a key, and what it brings to the score. */
export type Part = [name: string, value: number];

export interface Step {
  step: string;
  kind: string;
  stage: string;
  says: string;
  asks: string;
  answers: string;
  /** Its number in the survey. */
  place: number;
  /** Its number by the layers of the heads here. */
  here: number | null;
  differs: string;
  head: string;
  heads: string;
  score: number | null;
  verdict: string;
  query: string;
  query_at: number | null;
  query_token: string;
  key: string;
  key_at: number | null;
  key_token: string;
  attention: number | null;
  attention_mean: number | null;
  looks_at: number | null;
  looks_token: string;
  looks_attention: number | null;
  looks: number[];
  qk: number | null;
  against: string;
  sides: { query: Part[]; key: Part[] };
  breaks: string;
  broken: boolean;
  before: number | null;
  after: number | null;
  cost: number | null;
  se: number | null;
  share: number | null;
  n: number;
  before_here: number | null;
  after_here: number | null;
  reason: string;
}

export interface Walk {
  title: string;
  source: string;
  tokens: string[];
  answer: string;
  foil: string;
  measured_on: string;
  notes: string[];
  incomplete: string;
  stale: boolean;
  steps: Step[];
}

export interface Edge {
  from: string;
  to: string;
  input: string;
  effect: number | null;
  se: number | null;
  n: number;
  stage_from: string;
  stage_to: string;
}

type Matrix = (number | null)[][];

export interface HandOver {
  stages: string[];
  effect: Matrix;
  se: Matrix;
  edges: Matrix;
  pairs: Edge[];
  n_pairs: number;
  heads: Record<string, string[]>;
  clean: number | null;
  unit: string;
  measured_on: string;
  cycling: number | null;
  skipping: { share?: number | null; n?: number; least?: number; reason?: string };
  incomplete: string;
  stale: boolean;
}

/** Empty in a page of an older session. */
export interface Together {
  plans?: { name: string; title: string }[];
  walks?: Record<string, Walk>;
  hand_over?: HandOver;
}

/** What steps that are broken together cost. */
export interface Broken {
  steps: string[];
  before: number;
  after: number;
  cost: number;
  se: number | null;
  n: number;
  before_here: number;
  after_here: number;
}

const minus = (text: string) => text.replace("-", "−");
export const two = (value: number | null | undefined): string =>
  value === null || value === undefined ? "–" : minus(value.toFixed(2).replace(/^-(0\.00)$/, "$1"));
export const percent = (value: number | null | undefined): string =>
  value === null || value === undefined ? "–" : minus(`${Math.round(100 * value)} %`);
/** A token as it is read: its blanks are seen, and what cannot be seen. */
export const piece = (token: string): string => visible(token.replace(/^ /, "")) || "␣";
