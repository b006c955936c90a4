/** Emoji for the suggestions of the composer: ":" and at least two letters of a name, in either language. */
import { t } from "../strings.js";
import { loadEmoji, searchEmoji } from "./emoji_data.js";

/** @import { Source } from "./suggest.js" */

/** @returns {Source} */
export function emojiSource() {
  return {
    sign: ":",
    pattern: /^[\p{L}\p{N}_+-]{2,30}$/u,
    label: t("js-emoji-suggest"),
    async find(query) {
      const all = await loadEmoji().catch(() => []);
      const isFrench = document.documentElement.lang === "fr";
      return searchEmoji(all, query.replaceAll("_", " "), 8).map(({ emoji, fr, en }) => ({ id: emoji, text: isFrench ? fr : en, insert: emoji, glyph: emoji }));
    },
  };
}
