// The emergence lab's page: curves and heads at the left, circuit and map at the right.

import {
  "phase change" as changeMeans,
  clamp as clampMeans,
  "previous-token score" as previousMeans,
  "induction strength" as strengthMeans,
  subcircuits as subcircuitsMean,
} from "../../../headwidgets/widgets/glossary.json";
import { h } from "../lib/dom";
import { term } from "../lib/glossary";

export interface Parts {
  tools: HTMLElement;
  upper: HTMLElement;
  lower: HTMLElement;
  readout: HTMLElement;
  scrub: HTMLElement;
  tiles: HTMLElement;
  map: HTMLElement;
  mapReadout: HTMLElement;
  circuit: HTMLElement;
}

export function layout(parts: Parts) {
  const head = (title: (Node | string)[], ...more: Node[]) =>
    h("div", "hw-head5", h("h3", "", ...title), ...more);
  const [scale, measured, name] = [h("div", "hw-scale"), h("span", ""), h("span", "")];
  const curves = h(
    "section",
    "hw-area-a",
    head(["how it learns, with its ", term("phase change", changeMeans)], parts.tools),
    ...[parts.upper, parts.readout, parts.scrub],
  );
  const words = h(
    "span",
    "hw-line hw-small",
    term("previous-token score", previousMeans),
    term("induction strength", strengthMeans),
  );
  const heads = h(
    "section",
    "hw-area-c",
    head(["what each head does"], words),
    ...[parts.lower, parts.tiles],
    h("div", "hw-legend hw-small", "0", scale, "1", measured),
  );
  const map = h("section", "hw-area-d", head([name]), parts.map, parts.mapReadout);
  const circuit = h(
    "section",
    "hw-area-b",
    head(
      ["the circuit: ", term("subcircuits", subcircuitsMean), " A, B, C"],
      term("clamp", clampMeans),
    ),
    parts.circuit,
  );
  const element = h("div", "hw-body5", curves, heads, map, circuit);
  return { element, curves, circuit, scale, measured, name };
}
