// The model that views look at: a session's, or one of arrays; how it is reached: reach.ts.

import type { AnyModel } from "@anywidget/types";
import type { Edit, Status } from "../state";
import type { PublishedHeader } from "./published";
import type { Rpc } from "./rpc";

/** What a picture says of itself; see headwidgets/widgets/pictures.py. */
export interface Picture {
  revision?: number;
  run?: Run;
  weighting?: Weighting;
  over?: Over;
  signed?: boolean;
  /** Only the lower triangle is sent. */
  causal?: boolean;
  /** Of a thumbnail, in pixels. */
  edge?: number;
  array?: unknown;
  error?: string;
}
export interface MapPicture extends Picture {
  head?: string;
  n?: number;
  stride?: number;
  tokens?: string[];
  of?: string;
  /** Of how many prompts this is the mean. */
  prompts?: number;
  /** Why there is no mean over the set. */
  no_mean?: string;
}

export type Weighting = "raw" | "no bos" | "value";
export type Over = "pair" | "set";

export type Run = "clean" | "corrupted" | "edited" | "difference";

/** The traits that an attention view reads; it sets selection and run. */
export interface Looked {
  selection: string;
  /** The bundles of the other views, once one is needed. */
  tools?: string;
  taxonomy?: string;
  succession?: string;
  emergence?: string;
  run: Run;
  weighting?: Weighting;
  over?: Over;
  n_prompts?: number;
  tokens: string[];
  names?: string[];
  model: Record<string, unknown>;
  edits: Edit[];
  /** What a toggle makes; absent where there is no session. */
  edit_kind?: Edit["kind"];
  corrupted_prompt?: unknown;
  status: Status;
  message: string;
  revision: number;
  published?: PublishedHeader;
  thumbs: Picture;
  thumbs_data: DataView;
  map: MapPicture;
  map_data: DataView;
}

/** The part of a model that views need. */
export type Look<T extends object = Looked> = Pick<
  AnyModel<T>,
  "get" | "set" | "save_changes" | "on" | "off"
>;

/** The traits that hold the bundles of the other views; see headwidgets/widgets/bundles.py. */
export const BUNDLES = ["tools", "taxonomy", "succession", "emergence"] as const;
export type Bundle = (typeof BUNDLES)[number];

/** Ask Python something; see lib/rpc.ts. */
export type Ask = Rpc["request"];

/** The traits of every widget of ours; see headwidgets/widgets/base.py. */
export interface Own {
  session: string | null;
  /** Which view to draw, by its name in views.ts. */
  view: string;
  /** The session's bundle, where the view cannot reach it. */
  code: string;
  /** The bundles of the other views, likewise. */
  tools: string;
  taxonomy: string;
  succession: string;
  emergence: string;
  apart: boolean;
  mirrored: Partial<Looked>;
  wish: Record<string, unknown>;
}

/** A model's name; of a folder's path, the folder. */
export function called(model: Record<string, unknown> | undefined): string {
  const name = String(model?.name ?? "");
  return /^[./~]|^\w:|\\/.test(name) ? (name.split(/[\\/]/).filter(Boolean).pop() ?? name) : name;
}
