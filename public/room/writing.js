/**
 * What helps in writing: the formatting bar with its keys, the emoji button, the preview, and pasting without foreign formatting.
 * The field stays a plain text field; a change goes in as typed text, so that undo takes it back.
 *
 * @import { Edit, Format } from "./format.js"
 */
import { request } from "../http.js";
import { t } from "../strings.js";
import { rendered } from "../trusted.js";
import { finish } from "./entry.js";
import { openEmojiPicker } from "./emoji_picker.js";
import { showsNothing } from "./text.js";
import { applyFormat, KEYS, pasteLink, SHIFT_KEYS, withoutPreview } from "./format.js";

const TYPING = 300;
/** An address that is still being typed is not looked behind. */
const QUIET = 1_200;

/** @typedef {{ url: string, title: string, description: string, site: string }} Card */

/** Puts what an edit changed in place of what was there. @param {HTMLTextAreaElement} field @param {Edit} edit */
export function put(field, { text, start, end }) {
  const old = field.value;
  let from = 0;
  while (from < old.length && from < text.length && old[from] === text[from]) from += 1;
  let tail = 0;
  while (tail < old.length - from && tail < text.length - from && old[old.length - 1 - tail] === text[text.length - 1 - tail]) tail += 1;
  const fresh = text.slice(from, text.length - tail);
  field.focus();
  field.setSelectionRange(from, old.length - tail);
  // Only this way does the browser's undo know of it; where it is gone, the text is set.
  const isDone = old === text || document.execCommand(fresh ? "insertText" : "delete", false, fresh);
  if (!isDone || field.value !== text) {
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  field.setSelectionRange(start, end);
}

/** @param {HTMLTextAreaElement} field @returns {Edit} */
const read = (field) => ({ text: field.value, start: field.selectionStart, end: field.selectionEnd });

/** @param {{ field: HTMLTextAreaElement, path: string }} options `path`: the room's address */
export function createWriting({ field, path }) {
  const bar = document.getElementById("composer-bar");
  const emoji = document.getElementById("composer-emoji");
  const preview = document.getElementById("composer-preview");
  const body = preview?.querySelector(".message-body");
  const links = preview?.querySelector(".composer-links");
  const show = bar?.querySelector("[data-format=preview]");
  const form = field.form;
  if (!bar || !emoji || !preview || !body || !links || !form) return;

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {AbortController | null} */
  let asking = null;

  /** @param {Card} card */
  function drawCard({ url, title, site, description }) {
    const card = document.createElement("div");
    card.className = "link-card";
    const text = document.createElement("div");
    for (const [name, words] of [["link-site", site], ["link-title", title], ["link-description", description]]) {
      if (!words) continue;
      const line = document.createElement("span");
      line.className = name ?? "";
      line.textContent = words;
      text.append(line);
    }
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "icon-button link-remove";
    remove.textContent = "×";
    remove.title = t("js-preview-remove");
    remove.setAttribute("aria-label", remove.title);
    remove.addEventListener("click", () => {
      const edit = read(field);
      const text = withoutPreview(edit.text, url);
      put(field, { text, start: text.length, end: text.length });
    });
    card.append(text, remove);
    return card;
  }

  /** @param {boolean} withLinks */
  async function drawPreview(withLinks) {
    asking?.abort();
    const content = field.value;
    if (showsNothing(content)) {
      body?.replaceChildren(t("js-preview-empty"));
      links?.replaceChildren();
      return;
    }
    asking = new AbortController();
    const { signal } = asking;
    const answer = await request(`${path}/preview`, { form: { content, links: withLinks ? "true" : null }, signal });
    if (signal.aborted || answer.kind !== "ok") return;
    const { html, links: cards } = /** @type {{ html: string, links: Card[] }} */ (answer.body);
    body?.replaceChildren(rendered(html));
    if (preview) finish(preview);
    links?.replaceChildren(...cards.map(drawCard));
    if (withLinks) return;
    clearTimeout(timer);
    timer = setTimeout(() => preview?.hidden || void drawPreview(true), QUIET);
  }

  /** @param {boolean} on */
  function setPreview(on) {
    if (!preview) return;
    preview.hidden = !on;
    show?.setAttribute("aria-pressed", String(on));
    if (on) void drawPreview(false);
  }

  /** @param {string | null} format */
  function press(format) {
    if (format === "preview") setPreview(preview?.hidden === true);
    else if (format) put(field, applyFormat(read(field), /** @type {Format} */ (format)));
  }

  bar.addEventListener("click", ({ target }) => {
    const button = target instanceof Element ? target.closest("[data-format]") : null;
    if (button) press(button.getAttribute("data-format"));
  });
  // The field keeps the focus, and with it the selection and a phone's keyboard.
  for (const part of [bar, emoji]) part.addEventListener("pointerdown", (event) => event.preventDefault());
  bar.addEventListener("keydown", (event) => {
    const buttons = /** @type {HTMLElement[]} */ ([...bar.querySelectorAll("[data-format]")]);
    const at = buttons.findIndex((button) => button === document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const to = step && at >= 0 ? buttons[(at + step + buttons.length) % buttons.length] : undefined;
    if (!to) return;
    event.preventDefault();
    for (const button of buttons) button.tabIndex = button === to ? 0 : -1;
    to.focus();
  });
  field.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.isComposing) return;
    const digit = /^Digit(\d)$/.exec(event.code)?.[1];
    const format = event.shiftKey ? SHIFT_KEYS[digit ?? event.key.toLowerCase()] : KEYS[event.key.toLowerCase()];
    if (!format) return;
    event.preventDefault();
    press(format);
  });
  // A text field takes plain text only; what is pasted over words may be their address.
  field.addEventListener("paste", (event) => {
    const linked = pasteLink(read(field), event.clipboardData?.getData("text/plain") ?? "");
    if (!linked || event.clipboardData?.files.length) return;
    event.preventDefault();
    put(field, linked);
  });
  emoji.addEventListener("click", () => openEmojiPicker(emoji, (picked) => {
    const { text, start, end } = read(field);
    const at = start + picked.length;
    put(field, { text: text.slice(0, start) + picked + text.slice(end), start: at, end: at });
  }));
  field.addEventListener("input", () => {
    clearTimeout(timer);
    if (!preview.hidden) timer = setTimeout(() => void drawPreview(false), TYPING);
  });
  form.addEventListener("submit", () => setPreview(false));
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) setTimeout(() => field.value === "" && setPreview(false), TYPING);
  });
  bar.hidden = emoji.hidden = false;
}
