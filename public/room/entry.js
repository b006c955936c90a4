/**
 * One line of the list: the fragment with what surrounds it for this reader. The pattern is the server's own
 * template, so that a pending bubble and a rendered message are made of the same parts.
 *
 * @import { Message, PendingItem, Quoted, Reaction } from "../types.js"
 */
import { t } from "../strings.js";
import { longTime, shortTime } from "../time.js";
import { fragment } from "../trusted.js";
import { addCopyButtons } from "./code_copy.js";
import { drawReactions, readReactions } from "./chips.js";
import { excerptOf, finishFiles, readAttachments } from "./attachments.js";
import { drawPendingFiles, letFilesGo } from "./sending.js";
import { nameOf, setName, setText } from "./text.js";
import { markMentions } from "./mention.js";

/** @typedef {{ viewer: number, role: string, roomPath: string, editWindow: number }} Reader `editWindow`: milliseconds, 0 for ever */

export { nameOf, setText };

/** @returns {HTMLLIElement} */
function clonePattern() {
  const template = document.getElementById("entry-template");
  const pattern = template instanceof HTMLTemplateElement ? template.content.querySelector("li") : null;
  if (!pattern) throw new Error("#entry-template is missing");
  return /** @type {HTMLLIElement} */ (document.importNode(pattern, true));
}

/** @param {PendingItem} item @returns {HTMLLIElement} */
export function createPending(item) {
  const line = clonePattern();
  const article = line.querySelector(".message");
  line.classList.add("is-mine");
  line.dataset.nonce = item.nonce;
  for (const name of ["entry", "position"]) delete line.dataset[name];
  article?.removeAttribute("id");
  const body = line.querySelector(".message-body");
  if (body && item.content) {
    const text = document.createElement("p");
    text.textContent = item.content;
    text.style.whiteSpace = "pre-wrap";
    body.replaceChildren(text);
  }
  const time = line.querySelector("time.message-time");
  if (time instanceof HTMLTimeElement) time.dateTime = item.created_at;
  line.querySelector(".entry-actions")?.setAttribute("hidden", "");
  drawPendingFiles(line, item);
  drawTimes(line);
  drawQuote(line, item.quoted);
  return line;
}

/** @param {HTMLLIElement} line @param {PendingItem} item @param {boolean} offline */
export function drawPending(line, item, offline) {
  const failed = item.status === "failed";
  line.dataset.state = failed ? "failed" : item.status === "queued" ? "queued" : "pending";
  let status = line.querySelector(".entry-status");
  if (!status) {
    status = document.createElement("span");
    status.className = "entry-status visually-hidden";
    line.append(status);
  }
  setText(status, failed ? "" : t(offline ? "js-queued-offline" : "js-sending"));
  line.title = status.textContent ?? "";
  setText(line.querySelector(".entry-trouble span"), item.error || t("js-failed"));
}

/**
 * Draws a message into its line: a new one, the one that it had, or the pending bubble that it replaces.
 * @param {HTMLLIElement | null} old
 * @param {Message} message
 * @param {Quoted | null} quoted
 * @param {Reader} reader
 * @param {Reaction[]} reactions
 * @returns {HTMLLIElement}
 */
export function drawMessage(old, message, quoted, reader, reactions) {
  const line = old ?? clonePattern();
  const mine = message.author.id === reader.viewer;
  line.classList.toggle("is-mine", mine);
  line.dataset.entry = String(message.id);
  line.dataset.position = String(message.position);
  if (line.dataset.state) {
    for (const name of ["state", "nonce"]) delete line.dataset[name];
    line.removeAttribute("title");
    letFilesGo(line);
    for (const part of line.querySelectorAll(".entry-trouble, .entry-status")) part.remove();
  }
  const article = line.querySelector(".message");
  const shown = article instanceof HTMLElement ? Number(article.dataset.revision || -1) : -1;
  const held = heldChip(line);
  if (message.html && shown !== message.revision) article?.replaceWith(fragment(message.html));
  drawQuote(line, quoted);
  if (message.kind === "system") drawTold(line, message);
  else drawActions(line, message, mine, reader);
  finish(line);
  drawReactions(line, message.id, reactions, reader.viewer);
  if (held) chipOf(line, held)?.focus({ preventScroll: true });
  return line;
}

/** The emoji of the chip that has the focus: a fragment that takes another's place takes it away. @param {HTMLElement} line */
function heldChip(line) {
  const held = document.activeElement;
  return held && line.contains(held) ? held.getAttribute("data-emoji") : null;
}

/** @param {HTMLElement} line @param {string} emoji @returns {HTMLElement | null} */
function chipOf(line, emoji) {
  return line.querySelector(`.reaction[data-emoji="${CSS.escape(emoji)}"]`);
}

/** @param {HTMLElement} line @param {Message} message @param {boolean} mine @param {Reader} reader */
function drawActions(line, message, mine, reader) {
  const actions = line.querySelector(".entry-actions");
  if (!actions) return;
  if (message.deleted) return actions.remove();
  actions.removeAttribute("hidden");
  for (const name of ["href", "action", "formaction"]) {
    for (const part of actions.querySelectorAll(`[${name}]`)) part.setAttribute(name, addressed(part.getAttribute(name) ?? "", message.id));
  }
  const moderates = reader.role !== "member";
  const late = reader.editWindow > 0 && Date.now() - Date.parse(message.created_at) > reader.editWindow;
  if (!mine || late) actions.querySelector("[data-action=edit]")?.remove();
  if (!mine && !moderates) actions.querySelector("[data-action=delete]")?.remove();
  if (mine) actions.querySelector("[data-action=unread]")?.remove();
  if (!moderates) actions.querySelector("[data-action=pin]")?.remove();
  actions.querySelector("[data-action=versions]")?.toggleAttribute("hidden", !message.edited_at || (!mine && !moderates));
}

/** The pattern's addresses name no message. @param {string} address @param {number} id */
function addressed(address, id) {
  return address.replace(/^\/message\/\d*(?=\/|$)/, `/message/${id}`).replace(/\b(reply_to|edit)=\d*/, `$1=${id}`);
}

/** What the room says itself, in the reader's language. @param {HTMLElement} line @param {Message} message */
function drawTold(line, message) {
  line.classList.add("is-system");
  line.querySelector(".entry-actions")?.remove();
  let told = line.querySelector(".entry-told");
  if (!told) {
    told = document.createElement("p");
    told.className = "entry-told";
    line.append(told);
  }
  setText(told, t(`js-system-${message.system}`, { name: nameOf(message.author), about: message.content ?? "" }));
}

/** @param {HTMLElement} line @param {Quoted | null} quoted */
export function drawQuote(line, quoted) {
  let quote = line.querySelector(".entry-quote");
  if (!quoted) return quote?.remove();
  if (!quote) {
    quote = clonePattern().querySelector(".entry-quote");
    if (quote) line.prepend(quote);
  }
  if (!quote) return;
  quote.removeAttribute("hidden");
  quote.setAttribute("href", `#message-${quoted.id}`);
  quote.setAttribute("data-position", String(quoted.position));
  quote.classList.toggle("is-deleted", quoted.deleted);
  setName(quote.querySelector(".entry-quote-author"), quoted.author);
  setText(quote.querySelector(".entry-quote-excerpt"), quoted.deleted ? "" : quoted.excerpt);
}

/** What the browser adds to a fragment, whoever rendered it. @param {ParentNode} line */
export function finish(line) {
  drawTimes(line);
  finishFiles(line);
  markMentions(line);
  // What is wider than the list scrolls by itself, with the keyboard too.
  for (const wide of line.querySelectorAll("pre, table")) wide.setAttribute("tabindex", "0");
  addCopyButtons(line);
}

/** Local time in place of the server's UTC. @param {ParentNode} line */
function drawTimes(line) {
  for (const time of line.querySelectorAll("time")) {
    if (!time.dateTime) continue;
    if (time.classList.contains("message-edited")) time.title = t("js-edited-at", { time: longTime(time.dateTime) });
    else {
      setText(time, shortTime(time.dateTime));
      time.title = longTime(time.dateTime);
    }
  }
}

/**
 * A message as the server rendered it into the page. Its Markdown is not there: whoever edits it fetches it.
 * @param {HTMLElement} line
 * @returns {{ message: Message, quoted: Quoted | null } | null}
 */
export function readEntry(line) {
  const article = line.querySelector("article.message");
  if (!(article instanceof HTMLElement)) return null;
  const { message, position, revision, author, kind, nonce, replyTo, replyPosition } = article.dataset;
  const text = (/** @type {string} */ selector) => line.querySelector(selector)?.textContent?.trim() ?? "";
  const moment = (/** @type {string} */ selector) => line.querySelector(selector)?.getAttribute("datetime") ?? null;
  const reply = replyTo ? { id: Number(replyTo), position: Number(replyPosition) } : null;
  const quote = line.querySelector(".entry-quote");
  const attachments = readAttachments(line);
  return {
    message: {
      id: Number(message), position: Number(position), revision: Number(revision), kind: kind ?? "text", client_nonce: nonce || null,
      author: { id: Number(author), first_name: text(".message-author"), last_name: "", initials: text(".avatar") },
      content: null, excerpt: text(".message-body").replace(/\s+/g, " ").slice(0, 140) || excerptOf(attachments),
      created_at: moment("time.message-time") ?? "", edited_at: moment("time.message-edited"),
      deleted: article.dataset.deleted !== undefined, reply_to: reply, attachments, reactions: readReactions(line), html: "",
    },
    quoted: reply && quote ? {
      id: reply.id, position: reply.position, deleted: quote.classList.contains("is-deleted"), excerpt: text(".entry-quote-excerpt"),
      author: { id: 0, first_name: text(".entry-quote-author"), last_name: "", initials: "" },
    } : null,
  };
}
