// The selected head's attention at the checkpoint that is looked at: who looks (down) at whom
// (across), by what the tokens are.

import { aria, h, on } from "../lib/dom";
import { type Line, mapAt, two } from "./emergence-data";
import { shade } from "./emergence-heads";

const PRINTED = 8; // as many tokens leave room for a number in each cell

export function mapView() {
  const element = aria(h("div", "hw-map"), { role: "img" });
  const readout = aria(h("div", "hw-read"), { role: "status" });
  let cells: (HTMLElement | undefined)[] = [];
  let roles: string[] = [];
  let now: ReturnType<typeof mapAt> = { values: new Float32Array(), n: 0, bound: 0 };
  let said = "";

  const role = (name: string): HTMLElement => {
    const [word = "", under] = name.split("_");
    return h("span", "hw-role", word, ...(under ? [h("sub", "", under)] : []));
  };
  const build = (line: Line, n: number) => {
    const key = `${line.run.roles.join()}|${n}`;
    if (element.dataset.built === key) return;
    element.dataset.built = key;
    roles = line.run.roles;
    const named = n <= PRINTED;
    element.style.gridTemplateColumns = `${named ? "24px " : ""}repeat(${n}, minmax(0, 1fr))`;
    element.classList.toggle("hw-dense", !named);
    cells = [];
    const top = named ? [h("span", ""), ...roles.map(role)] : [];
    const rows = Array.from({ length: n }, (_, query) => [
      ...(named ? [role(roles[query] ?? "")] : []),
      ...Array.from({ length: n }, (_, key) => {
        const cell = h("span", key > query ? "hw-none" : "hw-cell");
        if (key <= query) cells[query * n + key] = cell;
        on(cell, "mouseenter", () => tell(query, key));
        return cell;
      }),
    ]);
    element.replaceChildren(...top, ...rows.flat());
  };
  const tell = (query: number, key: number) => {
    if (key > query) return;
    const value = now.values[query * now.n + key] ?? Number.NaN;
    readout.textContent = `${roles[query]} looks at ${roles[key]}: ${value.toFixed(4)} ± ${now.bound.toFixed(4)}`;
  };
  on(element, "mouseleave", () => {
    readout.textContent = said;
  });

  function draw(line: Line, place: number, head: string, table: Uint8Array): void {
    now = mapAt(line, place, head);
    build(line, line.run.roles.length);
    cells.forEach((cell, i) => {
      if (!cell) return;
      const value = now.values[i] ?? Number.NaN;
      const [back, ink] = shade(table, value);
      cell.style.background = back;
      cell.style.color = ink;
      const text = now.n <= PRINTED ? two(value) : "";
      if (cell.textContent !== text) cell.textContent = text;
    });
    said = words(line, head);
    readout.textContent = said;
    element.dataset.hwHead = head;
    const label = `attention of head ${head}: ${said}`;
    if (element.getAttribute("aria-label") !== label) aria(element, { label });
  }

  /** What matters of a head, in words. */
  function words(line: Line, head: string): string {
    const { n, values } = now;
    if (!n) return "no checkpoint yet";
    if (!line.run.pairs) return "mean over sequences; rows look, columns are looked at";
    const at = (query: number, key: number) => two(values[query * n + key]);
    return head.startsWith("0.")
      ? `y_a looks at x_a ${at(1, 0)}, y_b at x_b ${at(3, 2)}`
      : `where x_q is x_a, it looks at the right label y_a ${at(4, 1)}, at y_b ${at(4, 3)}`;
  }
  return { element, readout, draw };
}
