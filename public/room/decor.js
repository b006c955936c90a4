/**
 * What stands between the messages: days, the "new messages" line, and the grouping of one author's lines.
 *
 * What is read of a message here; an own one that is still on its way has no more.
 * @typedef {{
 *   position: number, kind: string, author: { id: number }, created_at: string, deleted: boolean, reply_to: unknown
 * }} Placed
 */
import { dayLabel, dayOf } from "../time.js";
import { setText } from "./entry.js";

/** Messages of one author within this time share one head. */
const TOGETHER = 5 * 60_000;

/** @param {string} id @returns {HTMLElement} */
function clone(id) {
  const template = document.getElementById(id);
  const pattern = template instanceof HTMLTemplateElement ? template.content.firstElementChild : null;
  const line = document.importNode(pattern ?? document.createElement("li"), true);
  return /** @type {HTMLElement} */ (line);
}

/** @param {Placed | null} before @param {Placed} message */
export function continues(before, message) {
  return before !== null && before.author.id === message.author.id && before.kind === message.kind && !before.deleted && !message.deleted
    && !message.reply_to && Date.parse(message.created_at) - Date.parse(before.created_at) < TOGETHER
    && dayOf(before.created_at) === dayOf(message.created_at);
}

/**
 * @param {HTMLElement} list
 * @param {{ message: Placed, line: HTMLElement }[]} entries in their order
 * @param {number | null} newFrom the position at which the new messages begin
 * @param {number} now
 */
export function decorate(list, entries, newFrom, now) {
  const days = new Map([...list.querySelectorAll(".day")].map((line) => [line.getAttribute("data-day"), line]));
  let newLine = list.querySelector(".new-line");
  let newDrawn = false;
  /** @type {Placed | null} */
  let before = null;
  for (const { message, line } of entries) {
    const day = dayOf(message.created_at);
    if (!before || dayOf(before.created_at) !== day) {
      const separator = days.get(day) ?? clone("day-template");
      separator.setAttribute("data-day", day);
      setText(separator.querySelector(".day-label") ?? separator, dayLabel(message.created_at, now));
      if (line.previousElementSibling !== separator && !isNewLineAfter(line, separator)) line.before(separator);
      days.delete(day);
    }
    if (!newDrawn && newFrom !== null && message.position >= newFrom) {
      newLine ??= clone("new-line-template");
      if (line.previousElementSibling !== newLine) line.before(newLine);
      newDrawn = true;
      before = null;
    }
    line.classList.toggle("is-continued", continues(before, message));
    before = message;
  }
  for (const left of days.values()) left.remove();
  if (!newDrawn) newLine?.remove();
}

/** @param {HTMLElement} line @param {Element} separator */
function isNewLineAfter(line, separator) {
  const above = line.previousElementSibling;
  return above?.classList.contains("new-line") === true && above.previousElementSibling === separator;
}
