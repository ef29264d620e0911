// The row that adds an edit: which, how, where. Its kind is the session's edit_kind, where a click on
// a head can make that kind too; else it is the row's own.

import { aria, h, on } from "../lib/dom";
import { css } from "../lib/theme";
import { type Edit, TOGGLES } from "../state";
import { keptHeads, type Seen, target } from "./panel-data";
import { choice, input, onKey, refusal, select } from "./panel-parts";

const KINDS = ["mean", "zero", "patch", "scale", "resample", "keep"] as const;
/** They need a direction, or two ends: shown and switched here, made in Python. */
const MADE_IN_PYTHON = ["add", "subtract", "path"];
const ONE = "head, or mlp or resid and a layer";
const SEVERAL = "heads to keep: all others at their means";

export const ADD_STYLE = css`
.hw-add input { width: 4em; }
.hw-add input[name="target"] { width: 5em; }
.hw-add [data-several] { flex: 0 1 14em; min-width: 5em; }
`;

export function addRow(session: Seen, add: (edit: Edit) => void, able: () => boolean) {
  const head = input("target", ONE);
  const factor = input("factor", "factor of the scale");
  factor.value = "0.5";
  const seed = input("seed", "seed: which prompt gives to which");
  seed.value = "0";
  const kind = select(
    "kind of edit",
    KINDS.map((name) => [name, name]),
  );
  const others = h("optgroup", "", ...MADE_IN_PYTHON.map((name) => choice(name, name)));
  others.label = "made in Python";
  others.disabled = true;
  kind.append(others);
  const into = select("into which run", [
    ["clean", "into clean"],
    ["corrupted", "into corrupted"],
  ]);
  const where = select("at which positions", []);
  const go = h("button", "", "add");
  const why = refusal();
  const fields = [head, kind, factor, seed, into, where, go];
  const times = h("label", "hw-quiet", "× ", factor);
  const drawn = h("label", "hw-quiet", "seed ", seed);
  const shown = [head, kind, times, drawn, into, where, go];
  const element = h("form", "hw-bar hw-add", ...shown, why.element);
  let typed = false;
  let places = "";
  let own = "";
  const which = () => (own || (session.get("edit_kind") ?? "mean")) as Edit["kind"];
  on(head, "input", () => {
    typed = head.value.trim() !== "";
    why.say("");
  });
  on(kind, "change", () => {
    const clicked = TOGGLES.find((name) => name === kind.value);
    own = clicked ? "" : kind.value;
    why.say("");
    if (clicked) {
      session.set("edit_kind", clicked);
      session.save_changes();
    }
    show();
  });
  on(element, "submit", (event) => {
    event.preventDefault();
    try {
      add(read());
      typed = false;
      why.say("");
    } catch (error) {
      why.tell(error as Error);
    }
  });
  for (const field of [head, factor, seed]) {
    onKey(field, "Enter", (event) => {
      event.preventDefault();
      element.requestSubmit();
    });
  }
  const read = (): Edit => {
    const model = session.get("model");
    const size = [Number(model.n_layers), Number(model.n_heads)] as const;
    const at = where.value === "all" ? null : where.value === "end" ? "end" : Number(where.value);
    const made = which();
    const edit: Edit = {
      ...{ kind: made, at },
      target: made === "keep" ? keptHeads(head.value, ...size) : target(head.value, ...size),
    };
    if (made === "patch") edit.into = into.value as "clean" | "corrupted";
    if (made === "scale") {
      edit.factor = numberOf(factor, Number.isFinite, "a number to multiply by, such as 0.5");
    }
    if (made === "resample") {
      const whole = (value: number) => Number.isSafeInteger(value) && value >= 0;
      edit.seed = numberOf(seed, whole, "a whole number from 0 as the seed");
    }
    return edit;
  };
  /** Show the fields that the kind needs. */
  const show = () => {
    const made = which();
    kind.value = made;
    times.hidden = made !== "scale";
    drawn.hidden = made !== "resample";
    into.hidden = made !== "patch";
    head.toggleAttribute("data-several", made === "keep");
    aria(head, { label: made === "keep" ? SEVERAL : ONE });
  };
  return {
    element,
    draw(place: number | null) {
      if (!typed) head.value = session.get("selection") || "0.0";
      show();
      const options = [
        ["all", "everywhere"],
        ["end", "at end"],
      ];
      if (place !== null) options.push([String(place), `at ${place}`]);
      if (JSON.stringify(options) !== places) {
        places = JSON.stringify(options);
        const before = where.value;
        where.replaceChildren(...options.map(([value, text]) => choice(value, text)));
        where.value = place !== null ? String(place) : before || "all";
      }
      for (const part of fields) part.disabled = !able();
    },
  };
}

/** Read a number; an Error says what was expected. */
function numberOf(
  field: HTMLInputElement,
  fits: (value: number) => boolean,
  expected: string,
): number {
  const value = field.value.trim() === "" ? Number.NaN : Number(field.value);
  if (!fits(value)) throw new Error(`expected ${expected}`);
  return value;
}
