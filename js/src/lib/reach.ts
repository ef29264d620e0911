// How a view reaches the session's model and its bundle: through the host, else through the
// host's widget manager, else as a copy that Python keeps on the view itself (base.py).

import type { AnyModel, Host } from "@anywidget/types";
import type { Code, SessionExports } from "../session";
import { living } from "./live";
import { loadText } from "./load";
import { type Ask, BUNDLES, type Bundle, type Look, type Looked, type Own } from "./session";

export interface Reached {
  session: Look;
  code: Pick<Code, "mount">;
  ask: Ask;
}

/** Run a bundle's text as a module. */
export type Load = (text: string) => Promise<Code>;

// biome-ignore lint/suspicious/noExplicitAny: any model can be asked
type Any = any;

export async function reach(
  model: AnyModel<Own>,
  host: Partial<Host> | undefined,
  signal: AbortSignal,
  load: Load = loadText<Code>,
): Promise<Reached> {
  const ref = model.get("session");
  if (typeof ref === "string") {
    const id = ref.replace(/^(anywidget:|IPY_MODEL_)/, "");
    const manager = () => model.widget_manager?.get_model<Looked>(id);
    const found = await first<AnyModel<Any>>(() => host?.getModel?.<Looked>(ref), manager);
    const exports = found && (await first(() => host?.getWidget?.<SessionExports>(ref)))?.exports;
    const session = found && living(found, await first<Any>(manager), signal);
    if (session && exports?.mount) return { session, code: exports, ask: exports.request };
    if (session && found?.get("_esm")) {
      const code = await load(found.get("_esm"));
      return { session, code, ask: code.asking(found, signal) };
    }
  }
  return mirror(model, signal, load);
}

async function first<T>(...ways: (() => Promise<T> | undefined)[]): Promise<T | undefined> {
  for (const way of ways) {
    try {
      const found = await way();
      if (found) return found;
    } catch {
      // the next way
    }
  }
  return undefined;
}

/** A model made of the copy that Python keeps on the view, once Python has been told to. */
async function mirror(model: AnyModel<Own>, signal: AbortSignal, load: Load): Promise<Reached> {
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
  const hear = (name: "mirrored" | Bundle, act: () => void) => {
    model.on(`change:${name}`, act);
    signal.addEventListener("abort", () => model.off(`change:${name}`, act), { once: true });
  };
  hear("mirrored", take);
  for (const name of BUNDLES) hear(name, () => tell(name));
  model.set("apart", true);
  model.save_changes();
  const session = {
    get: (name: string) =>
      BUNDLES.includes(name as Bundle) ? model.get(name as Bundle) : held[name],
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
  const code = await load(await once(model, "code", signal));
  return { session, code, ask: code.asking(model, signal) };
}

/** Wait until a trait has a value. */
function once(model: AnyModel<Own>, name: "code", signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    const look = () => {
      if (!model.get(name)) return;
      model.off(`change:${name}`, look);
      resolve(model.get(name));
    };
    model.on(`change:${name}`, look);
    signal.addEventListener("abort", () => model.off(`change:${name}`, look), { once: true });
    look();
  });
}
