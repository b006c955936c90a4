/**
 * The emoji picker: one for the whole page, made at its first opening. A popover beside what opened it, a sheet on a phone.
 * The arrow keys move in the grid, from the search field down and back up; Escape and a click outside close it.
 */
import { t } from "../strings.js";
import { GROUPS, loadEmoji, moveInGrid, remember, searchEmoji, withTone } from "./emoji_data.js";

/** @import { Emoji } from "./emoji_data.js" */

const RECENT = "palabre:emoji-recent";
const TONE = "palabre:emoji-tone";
const TONE_HANDS = ["✋", "✋🏻", "✋🏼", "✋🏽", "✋🏾", "✋🏿"];
const GAP = 8;
/** A click on what opened it closes it first, as a click outside, and must not open it again. */
const AGAIN = 300;

/** @param {string} key */
function stored(key) {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

/** @param {string} key @param {string} value */
function store(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Storage may be full or forbidden: it is remembered until the page goes.
  }
}

/** @template {keyof HTMLElementTagNameMap} N @param {N} name @param {string} className @param {string} [text] */
function make(name, className, text) {
  const element = document.createElement(name);
  element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

/** @param {string} className @param {string} text @param {string} label */
function makeButton(className, text, label) {
  const button = make("button", className, text);
  button.type = "button";
  button.setAttribute("aria-label", label);
  button.title = label;
  return button;
}

/** @type {ReturnType<typeof createPicker> | null} */
let picker = null;

/**
 * Opens the picker beside an element. What is picked is told once, and the picker closes.
 * @param {HTMLElement} anchor
 * @param {(emoji: string) => void} onPick
 */
export function openEmojiPicker(anchor, onPick) {
  picker ??= createPicker();
  picker.open(anchor, onPick);
}

function createPicker() {
  const box = make("div", "emoji-picker");
  box.id = "emoji-picker";
  box.popover = "auto";
  box.tabIndex = -1;
  box.setAttribute("role", "dialog");
  box.setAttribute("aria-label", t("js-emoji-label"));
  const head = make("div", "emoji-head");
  const field = make("input", "input");
  field.type = "search";
  field.autocomplete = "off";
  field.placeholder = t("js-emoji-search");
  field.setAttribute("aria-label", t("js-emoji-search"));
  field.setAttribute("aria-controls", "emoji-grid");
  const tones = makeButton("emoji-tone", "", "");
  const tabs = make("div", "emoji-tabs");
  const grid = make("div", "emoji-grid");
  grid.id = "emoji-grid";
  grid.setAttribute("role", "listbox");
  grid.setAttribute("aria-label", t("js-emoji-label"));
  const said = make("p", "emoji-said");
  said.setAttribute("role", "status");
  head.append(field, tones);
  box.append(head, tabs, grid, said);
  document.body.append(box);

  /** @type {Emoji[]} */
  let all = [];
  let recent = stored(RECENT).split(" ").filter(Boolean);
  let tone = Number(stored(TONE)) || 0;
  /** @type {HTMLElement | null} */
  let anchor = null;
  /** @type {(emoji: string) => void} */
  let onPick = () => {};
  let closedAt = -AGAIN;

  const cells = () => /** @type {HTMLButtonElement[]} */ ([...grid.querySelectorAll(".emoji-cell")]);
  const nameOf = (/** @type {Emoji} */ one) => (document.documentElement.lang === "fr" ? one.fr : one.en);

  /** @param {Emoji} one */
  function makeCell(one) {
    const cell = makeButton("emoji-cell", withTone(one, tone), nameOf(one));
    cell.setAttribute("role", "option");
    cell.tabIndex = -1;
    return cell;
  }

  /** @param {string} label @param {Emoji[]} some */
  function makeSection(label, some) {
    const section = make("div", "emoji-section");
    section.setAttribute("role", "group");
    section.setAttribute("aria-label", label);
    const heading = make("p", "emoji-heading", label);
    heading.setAttribute("aria-hidden", "true");
    const row = make("div", "emoji-cells");
    row.setAttribute("role", "presentation");
    row.append(...some.map(makeCell));
    section.append(heading, row);
    return section;
  }

  function draw() {
    const query = field.value;
    const isSearch = query.trim() !== "";
    const found = isSearch ? searchEmoji(all, query, 120) : [];
    const groups = isSearch ? [] : GROUPS.map((_, group) => makeSection(t(`js-emoji-group-${group}`), all.filter((one) => one.group === group)));
    const known = new Map(all.flatMap((one) => [[one.emoji, one], [withTone(one, tone), one]]));
    const last = isSearch ? [] : recent.flatMap((emoji) => known.get(emoji) ?? []);
    if (last.length > 0) groups.unshift(makeSection(t("js-emoji-recent"), last));
    if (found.length > 0) groups.push(makeSection(t("js-emoji-found"), found));
    grid.replaceChildren(...groups);
    grid.scrollTop = 0;
    tabs.hidden = isSearch;
    const first = cells()[0];
    if (first) first.tabIndex = 0;
    said.textContent = isSearch && found.length === 0 ? t("js-emoji-none") : "";
  }

  function drawTabs() {
    tabs.replaceChildren(...GROUPS.map((sign, group) => {
      const tab = makeButton("emoji-tab", sign, t(`js-emoji-group-${group}`));
      tab.addEventListener("click", () => {
        const section = grid.querySelector(`[role=group][aria-label="${CSS.escape(t(`js-emoji-group-${group}`))}"]`);
        if (section instanceof HTMLElement) grid.scrollTop = section.offsetTop - grid.offsetTop;
        focusCell(section?.querySelector(".emoji-cell") ?? null);
      });
      return tab;
    }));
  }

  function drawTone() {
    tones.textContent = TONE_HANDS[tone] ?? "✋";
    tones.title = t(`js-emoji-tone-${tone}`);
    tones.setAttribute("aria-label", tones.title);
  }

  /** @param {Element | null} cell */
  function focusCell(cell) {
    if (!(cell instanceof HTMLButtonElement)) return;
    for (const other of grid.querySelectorAll(".emoji-cell[tabindex='0']")) other.setAttribute("tabindex", "-1");
    cell.tabIndex = 0;
    cell.focus({ preventScroll: true });
    cell.scrollIntoView({ block: "nearest" });
  }

  /** @param {string} emoji */
  function pick(emoji) {
    recent = remember(recent, emoji);
    store(RECENT, recent.join(" "));
    box.hidePopover();
    onPick(emoji);
  }

  function place() {
    const { style } = box;
    style.left = style.top = "";
    if (!anchor || matchMedia("(max-width: 40rem)").matches) return;
    const at = anchor.getBoundingClientRect();
    const { width, height } = box.getBoundingClientRect();
    const above = at.top - height - GAP;
    const top = above >= GAP ? above : Math.min(at.bottom + GAP, innerHeight - height - GAP);
    style.left = `${Math.max(GAP, Math.min(at.right - width, innerWidth - width - GAP))}px`;
    style.top = `${Math.max(GAP, top)}px`;
  }

  field.addEventListener("input", draw);
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown") focusCell(cells()[0] ?? null);
    else if (event.key === "Enter") {
      const first = field.value.trim() ? cells()[0]?.textContent : null;
      if (first) pick(first);
    } else return;
    event.preventDefault();
  });
  tones.addEventListener("click", () => {
    tone = (tone + 1) % TONE_HANDS.length;
    store(TONE, String(tone));
    drawTone();
    draw();
  });
  grid.addEventListener("click", ({ target }) => {
    const cell = target instanceof Element ? target.closest(".emoji-cell") : null;
    if (cell?.textContent) pick(cell.textContent);
  });
  grid.addEventListener("keydown", (event) => {
    const present = cells();
    const from = present.findIndex((cell) => cell === document.activeElement);
    if (from < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    // Who types in the grid goes on searching.
    if (event.key.length === 1 && event.key !== " ") return field.focus();
    const to = moveInGrid(present.map(({ offsetLeft: x, offsetTop: y }) => ({ x, y })), from, event.key);
    if (to === null) return;
    event.preventDefault();
    if (to < 0) field.focus();
    else focusCell(present[to] ?? null);
  });
  /** @param {Event} event */
  const say = ({ target }) => {
    const cell = target instanceof Element ? target.closest(".emoji-cell") : null;
    if (cell) said.textContent = cell.getAttribute("aria-label");
  };
  grid.addEventListener("focusin", say);
  grid.addEventListener("pointerover", say);
  box.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState === "closed") {
      closedAt = performance.now();
      anchor?.setAttribute("aria-expanded", "false");
    }
  });
  addEventListener("resize", () => box.matches(":popover-open") && place());
  drawTabs();
  drawTone();

  return {
    /** @param {HTMLElement} from @param {(emoji: string) => void} told */
    open(from, told) {
      if (from === anchor && performance.now() - closedAt < AGAIN) return;
      anchor = from;
      onPick = told;
      field.value = "";
      box.showPopover();
      from.setAttribute("aria-expanded", "true");
      place();
      // On a phone the field would bring the keyboard, and half of the grid would be gone.
      if (matchMedia("(pointer: coarse)").matches) box.focus();
      else field.focus();
      box.setAttribute("aria-busy", "true");
      loadEmoji().then((loaded) => {
        all = loaded;
        draw();
      }, () => {
        said.textContent = t("js-network-error");
      }).finally(() => box.removeAttribute("aria-busy"));
    },
  };
}
