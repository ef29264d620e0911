// Two errands of the patch panel: continue the prompt, and copy the session as Python.

import { visible } from "../card";
import { button, h } from "../lib/dom";
import type { Ask } from "../lib/session";
import { css } from "../lib/theme";
import { type OwnLook, type Seen, shared } from "./panel-data";
import { area, input, onKey, refusal } from "./panel-parts";

export const MORE_STYLE = css`
.hw-texts { display: grid; grid-template-columns: 6em 1fr; gap: 2px 10px; min-height: 42px; }
.hw-texts p { margin: 0; font: 12px/1.6 var(--hw-mono); white-space: pre-wrap;
  overflow-wrap: anywhere; max-height: 8em; overflow: auto; }
.hw-texts mark { color: inherit; border-radius: 2px;
  background: color-mix(in srgb, var(--hw-run) 20%, transparent); }
.hw-go input { width: 5em; }
.hw-go progress { width: 90px; height: 8px; accent-color: var(--hw-accent); }
`;

/** Continue greedily, clean and edited; what came is kept on the widget. */
export function continuation(
  session: Seen,
  own: OwnLook,
  ask: Ask,
  able: () => boolean,
  signal: AbortSignal,
) {
  const go = button("continue", () => (stop ? stop.abort() : start()));
  const [count, bar] = [input("n", "how many tokens"), h("progress", "")];
  count.type = "number";
  count.min = "1";
  count.value = "20";
  const why = refusal();
  const badge = h("span", "hw-badge", "before your edit");
  const texts = (["clean", "edited"] as const).map((run) => {
    const [key, text] = [h("span", "hw-key", run), h("p", "")];
    key.dataset.run = text.dataset.run = run;
    return { run, key, text };
  });
  const shown = h("div", "hw-texts", ...texts.flatMap(({ key, text }) => [key, text]));
  let stop: AbortController | undefined;
  const draw = () => {
    const { revision, clean = "", edited = "" } = own.get("continued") ?? {};
    const at = shared(clean, edited);
    for (const { run, text } of texts) {
      const whole = run === "clean" ? clean : edited;
      const tail = h("mark", "", lines(whole.slice(at)));
      text.replaceChildren(lines(whole.slice(0, at)), ...(at < whole.length ? [tail] : []));
    }
    badge.hidden = revision === undefined || revision === session.get("revision");
    shown.classList.toggle("hw-stale", !badge.hidden);
    go.textContent = stop ? "cancel" : "continue";
    bar.hidden = !stop;
    go.disabled = !able() && !stop;
    count.disabled = !able();
  };
  const start = () => {
    const life = new AbortController();
    const end = () => life.abort();
    stop = life;
    signal.addEventListener("abort", end, { once: true });
    why.say("");
    bar.removeAttribute("value");
    draw();
    const options = {
      ...{ key: "panel-generate", signal: life.signal },
      onProgress: ({ done, total }: { done: number; total: number }) => {
        bar.max = total;
        bar.value = done;
      },
    };
    ask("generate", { n: Number(count.value) }, options)
      .then(({ body }) => {
        const { clean, edited } = body.attrs as Record<"clean" | "edited", string>;
        own.set("continued", { revision: Number(body.revision), clean, edited });
        own.save_changes();
      })
      .catch(why.tell)
      .finally(() => {
        signal.removeEventListener("abort", end);
        stop = undefined;
        draw();
      });
  };
  const top = h(
    "div",
    "hw-bar hw-go",
    go,
    count,
    h("span", "hw-quiet", "tokens"),
    bar,
    badge,
    why.element,
  );
  return { element: h("div", "", top, shown), draw };
}

/** Text whose controls can be seen, and whose lines stay lines. */
function lines(text: string): string {
  return text
    .split("\n")
    .map((line) => visible(line).replace(/^·|·$/g, " "))
    .join("⏎\n");
}

/** A button that copies code; where that is not allowed, a box to copy from. */
export function copying(what: string, code: () => Promise<string>, say: (text: string) => void) {
  const box = area(what, 10);
  box.className = "hw-code";
  box.readOnly = true;
  box.hidden = true;
  onKey(box, "Escape", () => {
    box.hidden = true;
    copy.focus();
  });
  const copy = button("copy as Python", async () => {
    try {
      const text = await code();
      box.value = text;
      box.hidden = true;
      try {
        await navigator.clipboard.writeText(text);
        say(`copied, ${text.split("\n").length - 1} lines`);
      } catch {
        box.hidden = false;
        box.focus();
        box.select();
        say("no clipboard here: copy from the box");
      }
    } catch (error) {
      say((error as Error).message);
    }
  });
  return { copy, box };
}
