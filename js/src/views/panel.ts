// The patch panel: prompts, edits as toggles, and the three runs side by side.
// Sets the session's edits, index and edit_kind, and its own off and continued.

import { aria, button, h } from "../lib/dom";
import { GLOSSARY_STYLE } from "../lib/glossary";
import { isLive, whenLive } from "../lib/live";
import { whenChanged } from "../lib/model";
import { called } from "../lib/session";
import { css, style } from "../lib/theme";
import type { Mount } from "../views";
import { counted, type OwnLook, type Seen, sentence, type Traits } from "./panel-data";
import { EDITS_STYLE, editList } from "./panel-edits";
import { continuation, copying, MORE_STYLE } from "./panel-more";
import { metricPlot, NUMBERS_STYLE, topTokens } from "./panel-numbers";
import { PROMPTS_STYLE, prompts } from "./panel-prompts";
import { SWEEP_STYLE, sweeps } from "./panel-sweep";

const KEYS = [
  ...([
    "panel",
    "effect",
    "edits",
    "edit_kind",
    "selection",
    "prompt",
    "corrupted_prompt",
  ] as const),
  ...(["index", "n_prompts", "model", "status", "message", "revision"] as const),
] satisfies readonly (keyof Traits)[];
const PATCHING = "static copy: run the notebook to patch";

const STYLE =
  css`
.hw-panel .hw-bar { display: flex; flex-wrap: wrap; gap: 5px 8px; align-items: center; }
.hw-panel section { border-top: 1px solid var(--hw-line); margin-top: 9px; padding-top: 9px; }
.hw-panel .hw-badge { color: var(--hw-quiet); }
.hw-end { margin-left: auto; display: inline-flex; flex-wrap: wrap; gap: 5px; align-items: center; }
.hw-panel button, .hw-panel select, .hw-panel input { font: inherit; color: var(--hw-fg);
  background: var(--hw-bg); border: 1px solid var(--hw-line); border-radius: 4px; padding: 1px 8px;
  min-height: 24px; box-sizing: border-box; }
.hw-panel .hw-term { border: 0; padding: 0; min-height: 0; background: none; }
.hw-panel button { cursor: pointer; }
.hw-panel :disabled { color: var(--hw-quiet); cursor: not-allowed; }
.hw-panel button:hover:not(:disabled) { background: var(--hw-soft); }
.hw-panel :focus-visible { outline: 2px solid var(--hw-accent); outline-offset: 1px; }
.hw-unit button[aria-pressed="true"] { background: var(--hw-fg); color: var(--hw-bg); }
.hw-effect { min-height: 2.9em; margin: 0 0 4px; }
.hw-two { display: grid; gap: 12px 28px; }
.hw-what { min-height: 2em; align-content: start; }
.hw-over { margin-bottom: 4px; }
.hw-two .hw-go { margin: 14px 0 4px; }
@container (max-width: 480px) {
  .hw-what { min-height: 3.3em; }
  .hw-over .hw-badge { order: 1; }
}
@container (min-width: 860px) { .hw-two { grid-template-columns: minmax(0, 5fr) minmax(0, 6fr); } }
` +
  GLOSSARY_STYLE +
  PROMPTS_STYLE +
  EDITS_STYLE +
  NUMBERS_STYLE +
  MORE_STYLE +
  SWEEP_STYLE;

/** Show a session's prompts, edits and numbers in `root`, until the signal aborts. */
export const mountPanel: Mount = (shown, root, signal) => {
  const session = shown.session as unknown as Seen;
  const own = shown.own as unknown as OwnLook;
  const { ask } = shown;
  root.classList.add("hw-root", "hw-panel");
  aria(root, { role: "region", label: "patch panel" });
  const live = () => isLive(shown.session);

  const line = h("span", "hw-quiet");
  aria(line, { role: "status" });
  const edits = editList(session, own, live);
  const words = prompts(session, ask, live, edits.at, signal);
  const more = continuation(session, own, ask, live, signal);
  const numbers = results(more.element);
  const code = async () => {
    const panel = session.get("panel");
    if (panel?.python && panel.revision === session.get("revision")) return panel.python;
    return String((await ask("as_python", {}, { key: "panel-python", signal })).body.python);
  };
  const copy = copying("this session as Python", code, (text) => line.replaceChildren(text));
  const sweep = sweeps(session, own, ask, edits.toggle, root, signal);
  const set = pager(session, live);
  const undo = button("undo", edits.undo);
  const reset = button("reset", edits.reset);
  const table = button("paste a table", () => words.table.open());
  undo.title = "Ctrl+Z";

  const model = h("span", "hw-quiet");
  const end = h("span", "hw-end", undo, reset, copy.copy);
  const head = h(
    "div",
    "hw-bar",
    h("span", "hw-title", "patch"),
    model,
    set.element,
    table,
    line,
    end,
  );
  root.replaceChildren(
    style(STYLE),
    head,
    copy.box,
    h("section", "", words.element),
    h("section", "", edits.element),
    h("section", "", numbers.element),
    h("section", "", sweep.element),
  );

  let told: string | undefined = ""; // a refusal that was said where it belongs
  const draw = () => {
    const panel = session.get("panel") ?? {};
    const revision = session.get("revision");
    const effect = session.get("effect") ?? {};
    const current = panel.revision === revision;
    const measured = effect.revision === revision;
    const failed = session.get("status") === "error" ? session.get("message") : "";
    const whys = [...root.querySelectorAll(".hw-why:not(.hw-effect)")];
    if (!failed || whys.some((why) => why.textContent === failed)) told = failed;
    const message = failed === told ? "" : failed;
    if (!live()) line.textContent = PATCHING;
    else if (line.textContent === PATCHING) line.textContent = "";
    model.textContent = called(session.get("model"));
    words.draw(panel);
    edits.draw();
    set.draw();
    numbers.draw(panel, effect, { current, measured, message });
    const said = message || sentence(panel, effect, session.get("edits") ?? []);
    if (measured || message || panel.why || panel.error) numbers.say(said, Boolean(message));
    more.draw();
    sweep.draw();
    undo.disabled = !live() || !edits.can().undo;
    reset.disabled = !live() || !edits.can().reset;
    table.disabled = !live();
    root.dataset.hwState = panel.error ? "error" : current && measured ? "ready" : "busy";
    root.dataset.hwRevision = String(panel.revision ?? "");
  };
  root.addEventListener(
    "keydown",
    (event) => {
      const typing = (event.target as HTMLElement).closest("input, textarea");
      if (event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey) || typing) return;
      event.preventDefault();
      event.stopPropagation();
      edits.undo();
    },
    { signal },
  );
  whenChanged(session, KEYS, draw, signal);
  whenChanged(own, ["off", "continued", "found", "found_stale"], draw, signal);
  whenLive(shown.session, draw, signal);
  signal.addEventListener("abort", () => root.replaceChildren(), { once: true });
};

/** The metric and the top tokens, with a sentence that says what they say. */
function results(more: HTMLElement) {
  let unit: 0 | 1 = 0;
  let last = {};
  const plot = metricPlot();
  const tops = topTokens(() => unit);
  const units = (["logit", "probability"] as const).map((name, i) => {
    const made = button(name, () => {
      unit = i as 0 | 1;
      units.forEach((each, j) => {
        aria(each, { pressed: j === unit });
      });
      tops.draw(last);
    });
    aria(made, { pressed: i === unit });
    return made;
  });
  const group = h("span", "hw-end hw-unit", ...units);
  aria(group, { role: "group", label: "unit of the top tokens" });
  const effect = h("p", "hw-effect");
  aria(effect, { live: "polite" });
  const [name, badge, n] = [
    h("span", ""),
    h("span", "hw-badge", "before your edit"),
    h("span", "hw-quiet"),
  ];
  const left = h("div", "", effect, h("div", "hw-bar hw-what", name, n), plot.element, more);
  const right = h("div", "", h("div", "hw-bar hw-over", "top tokens", badge, group), tops.element);
  return {
    element: h("div", "hw-two", left, right),
    say(text: string, bad: boolean) {
      if (effect.textContent !== text) effect.textContent = text;
      effect.classList.toggle("hw-why", bad);
    },
    draw(
      panel: Traits["panel"],
      found: Traits["effect"],
      { current, measured, message }: { current: boolean; measured: boolean; message: string },
    ) {
      last = panel;
      plot.draw(found);
      tops.draw(panel);
      name.textContent = counted(found);
      const count = found.rows?.clean?.n;
      n.textContent =
        count === undefined ? "" : `n = ${count}${found.mean ? `, ${found.mean}` : ""}`;
      badge.style.visibility = current || message ? "hidden" : "";
      plot.element.classList.toggle("hw-stale", !measured);
      tops.element.classList.toggle("hw-stale", !current);
      effect.classList.toggle("hw-quiet", !(panel.why ? current : measured));
    },
  };
}

/** Which prompt of the set. */
function pager(session: Seen, able: () => boolean) {
  const go = (by: number) => {
    session.set("index", (session.get("index") ?? 0) + by);
    session.save_changes();
  };
  const place = h("span", "hw-quiet");
  const back = button("‹", () => go(-1), "previous prompt");
  const on = button("›", () => go(1), "next prompt");
  return {
    element: h("span", "hw-bar", back, place, on),
    draw() {
      const [i, n] = [session.get("index") ?? 0, session.get("n_prompts") ?? 1];
      place.textContent = n > 1 ? `${i + 1} of ${n}` : "n = 1";
      back.hidden = on.hidden = n < 2;
      back.disabled = !able() || i <= 0;
      on.disabled = !able() || i >= n - 1;
    },
  };
}
