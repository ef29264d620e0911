// The model that views look at: a session's, or one of arrays; how it is reached: reach.ts.

import type { AnyModel } from "@anywidget/types";
import type { Edit, Status } from "../state";
import type { Rpc } from "./rpc";

/** What a picture says of itself; see headwidgets/widgets/pictures.py. */
export interface Picture {
  revision?: number;
  run?: Run;
  signed?: boolean;
  array?: unknown;
  error?: string;
}
export interface MapPicture extends Picture {
  head?: string;
  n?: number;
  stride?: number;
  causal?: boolean;
  tokens?: string[];
  of?: string;
}

export type Run = "clean" | "corrupted" | "edited" | "difference";

/** The traits that an attention view reads; it sets selection and run. */
export interface Looked {
  selection: string;
  run: Run;
  tokens: string[];
  names?: string[];
  model: Record<string, unknown>;
  edits: Edit[];
  corrupted_prompt?: unknown;
  status: Status;
  message: string;
  revision: number;
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

/** Ask Python something; see lib/rpc.ts. */
export type Ask = Rpc["request"];

/** The traits of every widget of ours; see headwidgets/widgets/base.py. */
export interface Own {
  session: string | null;
  /** Which view to draw, by its name in views.ts. */
  view: string;
  /** The session's bundle, where the view cannot reach it. */
  code: string;
  apart: boolean;
  mirrored: Partial<Looked>;
  wish: Record<string, unknown>;
}
