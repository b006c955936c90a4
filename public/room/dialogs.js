/** Dialogs that list messages: the server brings their words and their patterns, here they are filled. */

/** @import { Quoted } from "../types.js" */
import { setName, setText } from "./text.js";

/** @param {string} id @returns {HTMLDialogElement | null} */
export function dialog(id) {
  const found = document.getElementById(id);
  return found instanceof HTMLDialogElement ? found : null;
}

/** @param {HTMLDialogElement | null} open */
export function show(open) {
  if (open && !open.open) open.showModal();
}

/**
 * @param {Element | null | undefined} list
 * @param {string} pattern the id of the template of one line
 * @param {Quoted[]} quoted
 */
export function fillQuoted(list, pattern, quoted) {
  const template = document.getElementById(pattern);
  const line = template instanceof HTMLTemplateElement ? template.content.firstElementChild : null;
  if (!list || !line) return;
  list.replaceChildren(...quoted.map(({ id, position, author, excerpt }) => {
    const item = /** @type {HTMLElement} */ (document.importNode(line, true));
    Object.assign(item.dataset, { quoted: String(id), position: String(position), author: String(author.id) });
    setName(item.querySelector(".quoted-author"), author);
    setText(item.querySelector(".quoted-excerpt"), excerpt);
    item.querySelector("a")?.setAttribute("href", `/message/${id}`);
    return item;
  }));
}

/** A click on a line: which message, and whether on its button. @param {Event} event */
export function quotedAt(event) {
  const target = event.target instanceof Element ? event.target : null;
  const line = target?.closest("[data-quoted]");
  if (!(line instanceof HTMLElement)) return null;
  return { id: Number(line.dataset.quoted), position: Number(line.dataset.position), acts: target?.closest("[data-quoted-act]") !== null, line };
}
