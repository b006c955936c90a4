/**
 * The search of the room: what is typed is looked for as it is typed, results are links, and a result of this room is jumped to.
 * What was hit is marked with elements made here around text: no HTML of anybody's comes in.
 *
 * @import { Message } from "../types.js"
 */
import { reasonOf, request } from "../http.js";
import { number, plural, t } from "../strings.js";
import { longTime } from "../time.js";
import { setName } from "./text.js";

/** @typedef {{ text: string, hit: boolean }} Segment */
/** @typedef {{ room: { id: number, title: string }, excerpt: Segment[], message: Message }} Found */
/** @typedef {{ results: Found[], next: number | null }} Results */

const TYPING = 250;
const SHORTEST = 2;
/** One answer looks at a part of a large room only. */
const FURTHER = 8;
const LAST_MOMENT = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** The fields of the form as the server reads them. A day begins where the reader is. @param {FormData} fields */
export function queryOf(fields) {
  const query = new URLSearchParams();
  for (const [name, value] of fields) {
    const text = String(value).trim();
    if (text) query.set(name, text);
  }
  for (const name of ["from", "to"]) {
    const day = query.get(name);
    if (!day) continue;
    const at = new Date(`${day}T00:00`);
    if (Number.isNaN(at.getTime())) query.delete(name);
    else {
      if (name === "to") at.setDate(at.getDate() + 1);
      // The server's calendar ends with the year 9999.
      query.set(name, new Date(Math.min(at.getTime(), LAST_MOMENT)).toISOString());
    }
  }
  return query;
}

/** @param {Element} into @param {Segment[]} excerpt */
export function drawExcerpt(into, excerpt) {
  into.replaceChildren(...excerpt.map(({ text, hit }) => {
    if (!hit) return document.createTextNode(text);
    const mark = document.createElement("mark");
    mark.textContent = text;
    return mark;
  }));
}

/**
 * @param {{ room: number, path: string, jump(id: number, position: number): void }} options
 */
export function createSearch({ room, path, jump }) {
  const panel = document.getElementById("search-panel");
  const form = document.getElementById("search-form");
  const list = document.getElementById("search-results");
  const count = document.getElementById("search-count");
  const more = document.getElementById("search-more");
  const template = document.getElementById("search-template");
  if (!panel || !(form instanceof HTMLFormElement) || !list || !count || !more || !(template instanceof HTMLTemplateElement)) return;
  const field = /** @type {HTMLInputElement} */ (form.elements.namedItem("q"));

  /** @type {AbortController | null} */
  let asking = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {number | null} */
  let next = null;
  let asked = "";

  /** @param {Found} found */
  function draw({ room: where, excerpt, message }) {
    const line = /** @type {HTMLElement} */ (document.importNode(/** @type {HTMLTemplateElement} */ (template).content, true).firstElementChild);
    const link = /** @type {HTMLAnchorElement} */ (line.querySelector("a"));
    const part = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (line.querySelector(selector));
    link.href = `/message/chatroom/${where.id}#message-${message.id}`;
    const avatar = part(".avatar");
    avatar.classList.add(`hue-${message.author.id % 12}`);
    avatar.textContent = message.author.initials;
    setName(part("b"), message.author);
    part(".search-where").textContent = where.id === room ? "" : where.title;
    part("time").setAttribute("datetime", message.created_at);
    part("time").textContent = longTime(message.created_at);
    drawExcerpt(part(".search-text"), excerpt);
    const files = message.attachments.map(({ name }) => name).join(", ");
    part(".search-files").textContent = files;
    part(".search-files").hidden = files === "";
    link.addEventListener("click", (event) => {
      if (where.id !== room || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      panel?.hidePopover();
      jump(message.id, message.position);
    });
    return line;
  }

  /** @param {string} text @param {boolean} [isFault] */
  function say(text, isFault = false) {
    if (!count) return;
    count.textContent = text;
    count.classList.toggle("is-fault", isFault);
  }

  /** @param {boolean} isMore @param {number} [further] times that it goes on by itself where one answer found nothing yet */
  async function search(isMore, further = FURTHER) {
    clearTimeout(timer);
    asking?.abort();
    const query = queryOf(new FormData(/** @type {HTMLFormElement} */ (form)));
    if (isMore && next !== null) query.set("before", String(next));
    asking = new AbortController();
    const { signal } = asking;
    const answer = await request(`${path}/search?${query}`, { signal });
    if (signal.aborted) return;
    if (answer.kind !== "ok") return say(reasonOf(answer, t("js-network-error")), true);
    const { results, next: following } = /** @type {Results} */ (answer.body);
    if (!isMore) list?.replaceChildren();
    list?.append(...results.map(draw));
    next = following;
    if (results.length === 0 && next !== null && further > 0) return search(true, further - 1);
    more?.toggleAttribute("hidden", next === null);
    const shown = list?.children.length ?? 0;
    if (shown === 0) say(t(next === null ? "js-search-none" : "js-search-none-yet"));
    else say(next === null ? plural("js-search-count", shown) : t("js-search-more", { count: number(shown) }));
  }

  /** Looks again when anything but the page's place has changed. */
  function look() {
    const query = String(queryOf(new FormData(/** @type {HTMLFormElement} */ (form))));
    if (query === asked) return;
    asked = query;
    if ([...field.value.trim()].length < SHORTEST && !/[\u2190-\u{10FFFF}]/u.test(field.value)) {
      asking?.abort();
      list?.replaceChildren();
      more?.setAttribute("hidden", "");
      return say(field.value.trim() ? t("js-search-too-short") : "");
    }
    void search(false);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    asked = "";
    look();
  });
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, TYPING);
  });
  more.addEventListener("click", () => void search(true));
  panel.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState === "open") field.focus();
  });
  // Down from the field into the results, and along them.
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const links = [...list.querySelectorAll("a")];
    const at = links.findIndex((link) => link === document.activeElement);
    if (at < 0 && (document.activeElement !== field || event.key === "ArrowUp")) return;
    event.preventDefault();
    const to = at + (event.key === "ArrowDown" ? 1 : -1);
    (to < 0 ? field : links[Math.min(to, links.length - 1)])?.focus();
  });
  document.addEventListener("keydown", (event) => {
    const { activeElement } = document;
    const isTyping = activeElement instanceof HTMLElement && (activeElement.isContentEditable || activeElement.matches("input, textarea, select"));
    if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    panel.showPopover();
  });
}
