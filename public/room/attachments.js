/**
 * The files of a message as the list shows them: read back from what the server rendered, and finished in the reader's language.
 *
 * @import { Attachment } from "../types.js"
 */
import { byteSize } from "../strings.js";
import { setText } from "./text.js";

/**
 * What the JSON of these files says, from the page: the two must agree.
 * @param {ParentNode} line
 * @returns {Attachment[]} in their order
 */
export function readAttachments(line) {
  const files = /** @type {NodeListOf<HTMLElement>} */ (line.querySelectorAll("[data-file]"));
  return [...files].map(({ dataset }) => ({
    id: Number(dataset.file), kind: /** @type {Attachment["kind"]} */ (dataset.kind), name: dataset.name ?? "",
    media_type: dataset.mediaType ?? "", size: Number(dataset.size),
    width: numberOf(dataset.width), height: numberOf(dataset.height),
    duration_ms: numberOf(dataset.duration), waveform: dataset.waveform ?? null, thumbnail: sidesOf(dataset.thumbnail),
  })).sort((a, b) => a.id - b.id);
}

/** @param {string | undefined} text */
function numberOf(text) {
  return text === undefined ? null : Number(text);
}

/** @param {string | undefined} text */
function sidesOf(text) {
  const sides = /^(\d+)x(\d+)$/.exec(text ?? "");
  return sides ? { width: Number(sides[1]), height: Number(sides[2]) } : null;
}

/** What a message without a text is quoted as. @param {Attachment[]} files */
export function excerptOf(files) {
  if (files.length === 0) return "";
  return files.length > 1 ? `📎 ${files[0].name} +${files.length - 1}` : `📎 ${files[0].name}`;
}

/** Sizes in the reader's language. @param {ParentNode} line */
export function finishFiles(line) {
  for (const file of /** @type {NodeListOf<HTMLElement>} */ (line.querySelectorAll("[data-file]"))) {
    setText(file.querySelector(".file-size"), byteSize(Number(file.dataset.size)));
  }
}

/** The sign on a file's card: the ending of its name, when that is short. @param {string} name */
export function endingOf(name) {
  const ending = /\.([\p{L}\p{N}]{1,4})$/u.exec(name)?.[1] ?? "";
  return ending.toUpperCase();
}

/** A card as the fragment has it, for a file that is still here. @param {string} tag @param {{ name: string, size: number }} file */
export function createCard(tag, { name, size }) {
  const card = document.createElement(tag);
  card.className = "file-card";
  const [ending, text, title, bytes] = ["span", "span", "b", "span"].map((part) => document.createElement(part));
  ending.className = "file-ending";
  ending.setAttribute("aria-hidden", "true");
  ending.textContent = endingOf(name);
  text.className = "file-text";
  title.className = "file-name";
  title.textContent = name;
  bytes.className = "file-size";
  bytes.textContent = byteSize(size);
  text.append(title, " ", bytes);
  card.append(ending, text);
  return card;
}
