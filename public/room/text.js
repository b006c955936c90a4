/** Writes a text where it is not there already: what listens to changes hears nothing of the same. */

/** @param {Element | null} element @param {string} text */
export function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}
