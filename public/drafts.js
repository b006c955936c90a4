/** Drafts in this browser: a person's, in one room, until they are sent or the person signs out here. */

const PREFIX = "palabre:draft:";
const PLACES = "palabre:place:";

/** What is written after the sign-out would be readable by who comes next. */
let isClosed = false;

/** @param {number} person @param {number} room */
export const draftKey = (person, room) => `${PREFIX}${person}:${room}`;

/** @param {string} key */
export function readDraft(key) {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

/** @param {string} key @param {string} text */
export function storeDraft(key, text) {
  if (isClosed) return;
  try {
    if (text) localStorage.setItem(key, text);
    else localStorage.removeItem(key);
  } catch {
    // Storage may be full or forbidden: the text still stands in the field.
  }
}

/** Takes away what a person wrote and where they were reading; this page keeps nothing more of either. @param {number} person */
export function forgetDrafts(person) {
  isClosed = true;
  removeAll(() => localStorage, `${PREFIX}${person}:`);
  removeAll(() => sessionStorage, PLACES);
}

/** @param {() => Storage} storage asking for it may be forbidden @param {string} prefix */
function removeAll(storage, prefix) {
  try {
    for (const key of Object.keys(storage())) if (key.startsWith(prefix)) storage().removeItem(key);
  } catch {
    // What cannot be read was not written either.
  }
}
