/**
 * Suggestions while one types: a sign ("@", ":") opens a list above the composer, the arrows move in it, Enter or Tab takes
 * a line, Escape closes it. Closed, it takes no key from anybody.
 *
 * A source says what its sign offers. `pattern` is what may stand between the sign and the caret for the list to open.
 * @typedef {{ id: string, text: string, insert: string, note?: string, glyph?: string, avatar?: { initials: string, hue: number } }} Suggestion
 * @typedef {{
 *   sign: string, pattern: RegExp, label: string,
 *   find(query: string): Suggestion[] | Promise<Suggestion[]>
 * }} Source
 *
 * @typedef {{ source: Source, start: number, query: string }} Asked `start`: where the sign stands
 */
import { plural } from "../strings.js";

/** Lines of a list: more are found by typing on. */
const SHOWN = 8;
/** The longest text between a sign and the caret. */
const LONGEST = 60;

/** What stands before a sign that means something: nothing, a space, or an opening mark. */
const BEFORE = /(?:^|[\s([{«"'’—–>*_~])$/u;

/**
 * What the text before the caret asks for.
 * @param {string} text @param {number} caret @param {Source[]} sources @returns {Asked | null}
 */
export function askedAt(text, caret, sources) {
  const line = text.slice(Math.max(0, caret - LONGEST), caret);
  /** @type {Asked | null} */
  let found = null;
  for (const source of sources) {
    const at = line.lastIndexOf(source.sign);
    if (at < 0) continue;
    const start = caret - line.length + at;
    const query = line.slice(at + source.sign.length);
    const isNearer = !found || start > found.start;
    if (isNearer && source.pattern.test(query) && BEFORE.test(text.slice(0, start))) found = { source, start, query };
  }
  return found;
}

/** A word without accents and case, as people look for it. @param {string} text */
export function folded(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/’/g, "'");
}

/** @param {{ field: HTMLTextAreaElement, host: HTMLElement }} options `host`: the list stands above it */
export function createSuggest({ field, host }) {
  /** @type {Source[]} */
  const sources = [];
  const list = document.createElement("ul");
  list.className = "suggest";
  list.id = "suggest";
  list.setAttribute("role", "listbox");
  list.hidden = true;
  const told = document.createElement("p");
  told.className = "visually-hidden";
  told.setAttribute("role", "status");
  host.append(list, told);
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-haspopup", "listbox");

  /** @type {Asked | null} */
  let asked = null;
  /** @type {Suggestion[]} */
  let lines = [];
  let chosen = 0;
  /** Answers that come late belong to a text that is gone. */
  let turn = 0;
  /** Where Escape was pressed: the list stays away until another sign is typed. */
  let refusedAt = -1;

  function close() {
    turn += 1;
    asked = null;
    lines = [];
    list.hidden = true;
    list.replaceChildren();
    told.textContent = "";
    field.removeAttribute("aria-activedescendant");
    field.removeAttribute("aria-controls");
  }

  async function look() {
    const at = field.selectionStart === field.selectionEnd ? askedAt(field.value, field.selectionStart, sources) : null;
    if (!at || at.start !== refusedAt) refusedAt = -1;
    if (!at || at.start === refusedAt) return close();
    turn += 1;
    const mine = turn;
    const found = await at.source.find(at.query);
    if (mine !== turn) return;
    if (found.length === 0) return close();
    asked = at;
    lines = found.slice(0, SHOWN);
    draw(at.source.label);
  }

  /** @param {string} label */
  function draw(label) {
    list.setAttribute("aria-label", label);
    list.replaceChildren(...lines.map(drawLine));
    list.hidden = false;
    field.setAttribute("aria-controls", list.id);
    told.textContent = plural("js-suggestions", lines.length);
    choose(0);
  }

  /** @param {Suggestion} suggestion @param {number} index */
  function drawLine({ text, note, glyph, avatar }, index) {
    const line = document.createElement("li");
    line.id = `suggest-${index}`;
    line.className = "suggest-line";
    line.setAttribute("role", "option");
    const mark = document.createElement("span");
    mark.setAttribute("aria-hidden", "true");
    mark.className = avatar ? `avatar hue-${avatar.hue}` : "suggest-glyph";
    mark.textContent = avatar?.initials ?? glyph ?? "";
    const name = document.createElement("span");
    name.className = "suggest-text";
    name.textContent = text;
    line.append(mark, name);
    if (note) {
      const small = document.createElement("span");
      small.className = "suggest-note";
      small.textContent = note;
      line.append(small);
    }
    return line;
  }

  /** @param {number} index */
  function choose(index) {
    chosen = (index + lines.length) % lines.length;
    for (const [at, line] of [...list.children].entries()) line.setAttribute("aria-selected", String(at === chosen));
    const line = list.children[chosen];
    field.setAttribute("aria-activedescendant", line.id);
    line.scrollIntoView({ block: "nearest" });
  }

  /** @param {Suggestion} suggestion */
  function take(suggestion) {
    if (!asked) return;
    const { start } = asked;
    const end = field.selectionStart;
    close();
    insert(field, start, end, `${suggestion.insert} `);
  }

  field.addEventListener("input", () => void look());
  field.addEventListener("click", () => void look());
  field.addEventListener("blur", close);
  // Before the composer hears of the key.
  field.addEventListener("keydown", (event) => {
    if (list.hidden || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!act(event)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  field.addEventListener("keyup", (event) => {
    if (["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) void look();
  });

  /** @param {KeyboardEvent} event @returns {boolean} whether the key was ours */
  function act({ key, shiftKey }) {
    if (key === "ArrowDown") choose(chosen + 1);
    else if (key === "ArrowUp") choose(chosen - 1);
    else if ((key === "Enter" || key === "Tab") && !shiftKey) take(lines[chosen]);
    else if (key === "Escape") {
      refusedAt = asked?.start ?? -1;
      close();
    } else return false;
    return true;
  }

  // The field keeps the focus, and on a phone its keyboard.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const line = event.target instanceof Element ? event.target.closest("li") : null;
    const suggestion = line ? lines[[...list.children].indexOf(line)] : undefined;
    if (suggestion) take(suggestion);
  });

  return {
    /** @param {Source} source */
    add: (source) => void sources.push(source),
    close,
    isOpen: () => !list.hidden,
  };
}

/**
 * Puts a text in place of another, so that undoing takes it back, and tells whoever listens to the field.
 * @param {HTMLTextAreaElement} field @param {number} start @param {number} end @param {string} text
 */
export function insert(field, start, end, text) {
  field.focus();
  field.setSelectionRange(start, end);
  // Old, but the only way that the browser's own undo knows of.
  if (document.execCommand?.("insertText", false, text)) return;
  field.setRangeText(text, start, end, "end");
  field.dispatchEvent(new InputEvent("input", { bubbles: true, inputType: "insertText", data: text }));
}

/** @typedef {ReturnType<typeof createSuggest>} Suggest */
