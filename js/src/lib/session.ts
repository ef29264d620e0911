// The model that views look at: a session's, or one of arrays. Reached through the host, else
// through its widget manager, else copied by Python onto the view itself (see base.py).

import type { AnyModel, Host } from "@anywidget/types";
import type { Edit, Status } from "../state";

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

/** The traits of every widget of ours; see headwidgets/widgets/base.py. */
export interface Own {
  session: string | null;
  apart: boolean;
  mirrored: Partial<Looked>;
  wish: Record<string, unknown>;
}

/** Find the session's model, whatever the host can do. */
export async function sessionOf(
  model: AnyModel<Own>,
  host: Partial<Host> | undefined,
  signal: AbortSignal,
): Promise<Look> {
  const ref = model.get("session");
  if (typeof ref === "string") {
    const id = ref.replace(/^(anywidget:|IPY_MODEL_)/, "");
    const ways = [
      () => host?.getModel?.<Looked>(ref),
      () => model.widget_manager?.get_model<Looked>(id),
    ];
    for (const way of ways) {
      try {
        const found = await way();
        if (found) return found;
      } catch {
        // the next way
      }
    }
  }
  return mirror(model, signal);
}

/** A model made of the copy that Python keeps on the view. */
function mirror(model: AnyModel<Own>, signal: AbortSignal): Look {
  let held: Record<string, unknown> = model.get("mirrored") ?? {};
  let wish: Record<string, unknown> = {};
  let wishes = 0;
  const listeners = new Map<string, Set<() => void>>();
  const tell = (name: string) => {
    for (const listener of [...(listeners.get(`change:${name}`) ?? [])]) listener();
  };
  const take = () => {
    const before = held;
    held = model.get("mirrored") ?? {};
    for (const name of Object.keys(held)) if (held[name] !== before[name]) tell(name);
  };
  model.on("change:mirrored", take);
  signal.addEventListener("abort", () => model.off("change:mirrored", take), { once: true });
  model.set("apart", true);
  model.save_changes();
  return {
    get: (name: string) => held[name],
    set: (name: string, value: unknown) => {
      held = { ...held, [name]: value };
      wish[name] = value;
      tell(name);
    },
    save_changes: () => {
      model.set("wish", { ...wish, wishes: ++wishes }); // counted, so that no two are alike
      model.save_changes();
      wish = {};
    },
    on: (name: string, listener: () => void) => {
      listeners.set(name, (listeners.get(name) ?? new Set()).add(listener));
    },
    off: (name?: string | null, listener?: (() => void) | null) => {
      if (name && listener) listeners.get(name)?.delete(listener);
    },
  } as unknown as Look;
}
