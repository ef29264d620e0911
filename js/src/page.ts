// A widget in a file of its own: no kernel, no network, still linked. The page that
// headwidgets/widgets/save.py writes holds, as JSON, the traits, their bytes and the code of
// the views; this is the host that they find there.

import { STATIC } from "./lib/live";
import { loadText } from "./lib/load";
import type { Code } from "./session";

type Traits = Record<string, unknown>;
/** Traits as JSON, and where in them bytes belong: [path, base64]. */
type Packed = { state: Traits; buffers: [(string | number)[], string][] };

interface Saved {
  view: string;
  session: Packed;
  own: Packed;
  code: string;
}

/** A model that nobody else has: what is set stays in the page. */
export class Model {
  readonly live = false;
  readonly #listeners = new Map<string, Set<() => void>>();
  constructor(readonly state: Traits) {}

  get(name: string): unknown {
    return this.state[name];
  }
  set(name: string, value: unknown): void {
    if (this.state[name] === value) return;
    this.state[name] = value;
    for (const event of [`change:${name}`, "change"]) {
      for (const listener of [...(this.#listeners.get(event) ?? [])]) listener();
    }
  }
  save_changes(): void {}
  send(): void {}
  on(name: string, listener: () => void): void {
    this.#listeners.set(name, (this.#listeners.get(name) ?? new Set()).add(listener));
  }
  off(name?: string | null, listener?: (() => void) | null): void {
    if (!name) this.#listeners.clear();
    else if (listener) this.#listeners.get(name)?.delete(listener);
    else this.#listeners.delete(name);
  }
}

/** Put the bytes back where they belong. */
export function unpack({ state, buffers }: Packed): Model {
  for (const [path, base64] of buffers) {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    let at = state;
    for (const step of path.slice(0, -1)) at = at[step] as Traits;
    at[path.at(-1) ?? ""] = new DataView(bytes.buffer);
  }
  return new Model(state);
}

/** Nobody is there to answer. */
export function ask(name: string): Promise<never> {
  return Promise.reject(new Error(`${STATIC} (it asks for “${name}”)`));
}

/** Show what the page holds in `root`. */
export async function start(
  text: string,
  root: HTMLElement,
  load: (code: string) => Promise<Pick<Code, "mount">> = loadText<Code>,
): Promise<void> {
  const { view, session, own, code } = JSON.parse(text) as Saved;
  const { mount } = await load(code);
  const shown = { session: unpack(session), own: unpack(own), ask };
  mount(view, shown as never, root, new AbortController().signal);
}

const held = document.getElementById("hw-held");
const root = document.getElementById("hw-root");
if (held && root) {
  start(held.textContent ?? "", root).catch((error: unknown) => {
    root.textContent = `This page cannot be drawn here: ${error}`;
  });
}
