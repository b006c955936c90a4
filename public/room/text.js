/** Texts and names of people in the page.
 *
 * @import { Person } from "../types.js"
 */

/** Writes a text where it is not there already: what listens to changes hears nothing of the same. @param {Element | null} element @param {string} text */
export function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/** @param {Person} person */
export function nameOf({ first_name, last_name }) {
  return `${first_name} ${last_name}`.trim();
}

/** A name between other words: whatever it is written in, it does not turn them. @param {Person} person */
export function isolatedName(person) {
  const name = document.createElement("bdi");
  name.textContent = nameOf(person);
  return name;
}

/** Writes a name where it is not there already. @param {Element | null} element @param {Person} person */
export function setName(element, person) {
  if (element && element.textContent?.trim() !== nameOf(person)) element.replaceChildren(isolatedName(person));
}

/** Whether a text shows nothing: white space, and what has no width. The server refuses it as empty. @param {string} text */
export function showsNothing(text) {
  return /^[\s\p{Cc}\p{Default_Ignorable_Code_Point}\u2800\u{1d159}]*$/u.test(text);
}
