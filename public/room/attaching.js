/** Everything about files in the room's page: the tray, what is pasted and dropped, pictures in full. */
import { listenForFiles } from "./dropping.js";
import { createLightbox } from "./lightbox.js";
import { createTray } from "./tray.js";

/**
 * @param {{ form: HTMLFormElement, talk: HTMLElement, list: HTMLElement, isOpen(): boolean, complain(text: string): void }} options
 */
export function createAttaching({ form, talk, list, isOpen, complain }) {
  const tray = createTray({ form, complain });
  const field = /** @type {HTMLElement} */ (form.querySelector("textarea"));
  listenForFiles({ talk, field, isOpen, add: tray.add });
  createLightbox(list);
  return tray;
}
