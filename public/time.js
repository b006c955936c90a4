/** Times as the reader's clock and language have them; the server only knows UTC. */
import { t } from "./strings.js";

const DAY = 86_400_000;

/** The page's language as this browser's region writes it: 17:05 for one reader of English, 5:05 PM for another. */
function region() {
  const language = document.documentElement.lang || "fr";
  return navigator.languages.find((one) => one === language || one.startsWith(`${language}-`)) ?? language;
}

/** @param {Intl.DateTimeFormatOptions} options */
function formatter(options) {
  /** @type {Intl.DateTimeFormat | null} */
  let made = null;
  return (/** @type {Date} */ date) => {
    made ??= new Intl.DateTimeFormat(region(), options);
    return made.format(date);
  };
}

const clockTime = formatter({ hour: "numeric", minute: "2-digit" });
const fullTime = formatter({ dateStyle: "full", timeStyle: "short" });
const thisYear = formatter({ weekday: "long", day: "numeric", month: "long" });
const otherYear = formatter({ day: "numeric", month: "long", year: "numeric" });

/** @param {string} iso */
export const shortTime = (iso) => clockTime(new Date(iso));

/** @param {string} iso */
export const longTime = (iso) => fullTime(new Date(iso));

/** The local day of a moment, as a key. @param {string} iso */
export function dayOf(iso) {
  const date = new Date(iso);
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** @param {string} iso @param {number} now */
export function dayLabel(iso, now) {
  const day = dayOf(iso);
  if (day === dayOf(new Date(now).toISOString())) return t("js-today");
  if (day === dayOf(new Date(now - DAY).toISOString())) return t("js-yesterday");
  const date = new Date(iso);
  return date.getFullYear() === new Date(now).getFullYear() ? thisYear(date) : otherYear(date);
}
