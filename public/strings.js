/** The words of the interface that the browser needs, in the page's language: the server puts them into `#strings`. */

/** @type {Record<string, string>} */
let words = {};

/** @param {Document} document */
export function loadStrings(document) {
  try {
    words = JSON.parse(document.getElementById("strings")?.textContent ?? "{}");
  } catch (error) {
    console.error(error);
  }
}

/**
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  const text = words[key] ?? "";
  return text.replace(/\{\s*\$(\w+)\s*\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/**
 * A count in words: `-one` or `-other`, as the page's language counts.
 * @param {string} key
 * @param {number} count
 * @param {Record<string, string | number>} [values]
 */
export function plural(key, count, values = {}) {
  const form = new Intl.PluralRules(document.documentElement.lang || "fr").select(count);
  return t(`${key}-${form === "one" ? "one" : "other"}`, { ...values, count: number(count) });
}

/** @param {number} value */
export function number(value) {
  return new Intl.NumberFormat(document.documentElement.lang || "fr").format(value);
}

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"];

/** A file's size, as the page's language writes it. @param {number} bytes */
export function byteSize(bytes) {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), UNITS.length - 1);
  const format = { style: "unit", unit: UNITS[power], unitDisplay: power === 0 ? "narrow" : "short", maximumFractionDigits: power > 1 ? 1 : 0 };
  return new Intl.NumberFormat(document.documentElement.lang || "fr", /** @type {Intl.NumberFormatOptions} */ (format)).format(bytes / 1024 ** power);
}
