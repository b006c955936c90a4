/** Text as a search of names compares it: small letters, no accents, ligatures as their letters, one kind of apostrophe. */

/** @type {Record<string, string>} */
const LIKE = { œ: "oe", æ: "ae", ß: "ss", ø: "o", ł: "l", "’": "'", "‘": "'", "–": "-", "‑": "-" };

/** @param {string} text */
export function fold(text) {
  const bare = text.normalize("NFKD").replace(/[\u0300-\u036F\uFE0F]/g, "").toLowerCase();
  return bare.replace(/[œæßøł’‘–‑]/g, (sign) => LIKE[sign] ?? sign).replace(/\s+/g, " ").trim();
}
