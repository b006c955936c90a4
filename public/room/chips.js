/**
 * The reactions under a message: the fragment's chips, with what this reader has to do with them. The fragment knows no reader,
 * so each drawing begins from who put which emoji there.
 *
 * @import { Reaction } from "../types.js"
 */
import { plural, t } from "../strings.js";
import { setText } from "./text.js";

/** Names in a label, at most. */
const NAMED = 8;

/** What the server rendered. @param {ParentNode} line @returns {Reaction[]} */
export function readReactions(line) {
  const chips = /** @type {NodeListOf<HTMLElement>} */ (line.querySelectorAll(".reaction"));
  return [...chips].map(({ dataset }) => ({ emoji: dataset.emoji ?? "", users: (dataset.users ?? "").split(",").filter(Boolean).map(Number) }));
}

/**
 * Draws the chips of a message. A chip that stays keeps its element, and with it the focus.
 * @param {Element} line
 * @param {number} id
 * @param {Reaction[]} reactions
 * @param {number} viewer
 */
export function drawReactions(line, id, reactions, viewer) {
  const article = line.querySelector("article.message");
  let row = line.querySelector(".reactions");
  if (reactions.length === 0) return row?.remove();
  if (!row) {
    row = document.createElement("form");
    row.className = "reactions";
    row.setAttribute("method", "post");
    article?.append(row);
  }
  const old = new Map([...row.children].map((chip) => [chip.getAttribute("data-emoji"), chip]));
  let place = row.firstElementChild;
  for (const reaction of reactions) {
    const chip = old.get(reaction.emoji) ?? createChip(id, reaction.emoji);
    old.delete(reaction.emoji);
    drawChip(chip, reaction, viewer);
    if (chip === place) place = place.nextElementSibling;
    else row.insertBefore(chip, place);
  }
  for (const gone of old.values()) gone.remove();
}

/** @param {number} id @param {string} emoji @returns {Element} */
function createChip(id, emoji) {
  const chip = document.createElement("button");
  chip.className = "reaction";
  chip.type = "submit";
  chip.setAttribute("formaction", `/message/${id}/react/${encodeURIComponent(emoji)}`);
  chip.dataset.emoji = emoji;
  const count = document.createElement("span");
  count.className = "reaction-count";
  chip.append(`${emoji} `, count);
  return chip;
}

/** @param {Element} chip @param {Reaction} reaction @param {number} viewer */
function drawChip(chip, { emoji, users }, viewer) {
  const names = namesOf(users, viewer);
  chip.setAttribute("data-users", users.join(","));
  chip.setAttribute("aria-pressed", String(users.includes(viewer)));
  chip.setAttribute("aria-label", `${t("js-reaction-label", { emoji, names })} (${users.length})`);
  chip.setAttribute("data-names", names);
  setText(chip.querySelector(".reaction-count"), String(users.length));
}

/** Who that is, as far as the page knows them: who has left is counted. @param {number[]} users @param {number} viewer */
function namesOf(users, viewer) {
  const known = users.includes(viewer) ? [t("js-you")] : [];
  for (const user of users) {
    const name = user === viewer ? null : document.querySelector(`#members [data-member="${user}"] .person-name`)?.textContent;
    if (name && known.length < NAMED) known.push(name);
  }
  const others = users.length - known.length;
  if (others > 0) known.push(plural("js-others", others));
  return new Intl.ListFormat(document.documentElement.lang || "fr", { type: "conjunction" }).format(known);
}
