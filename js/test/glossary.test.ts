import { expect, test } from "vitest";
import glossary from "../../headwidgets/widgets/glossary.json";
import { term } from "../src/lib/glossary";

test("a word opens its meaning and closes it again", () => {
  const whole = term("beats chance", glossary.null);
  const word = whole.querySelector("button");
  expect(word?.textContent).toBe("beats chance");
  expect(whole.textContent).not.toContain("drawn many times");
  word?.click();
  expect(whole.querySelector('[role="tooltip"]')?.textContent).toBe(glossary.null);
  expect(word?.getAttribute("aria-describedby")).toBe(whole.querySelector("[id]")?.id);
  word?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  expect(whole.querySelector('[role="tooltip"]')).toBeNull();
  expect(word?.getAttribute("aria-expanded")).toBe("false");
});

test("every meaning is a sentence or two", () => {
  for (const meaning of Object.values(glossary)) {
    expect(meaning.length).toBeGreaterThan(30);
    expect(meaning.length).toBeLessThan(220);
    expect(meaning).toMatch(/\.$/);
  }
});
