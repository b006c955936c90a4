/**
 * The only writer of the list: it draws what the reducer says has changed, and removes nothing but on a reset.
 *
 * @import { Message, PendingItem } from "./types.js"
 * @import { Placed } from "./room/decor.js"
 * @import { Effects, RoomState } from "./room/list_state.js"
 * @import { Reader } from "./room/entry.js"
 * @import { Scroll } from "./room/scroll.js"
 */
import { drawReactions } from "./room/chips.js";
import { ordered, quoteOf, reactionsOf } from "./room/list_state.js";
import { decorate } from "./room/decor.js";
import { drawProgress, letFilesGo } from "./room/sending.js";
import { createPending, drawMessage, drawPending, finish, readEntry } from "./room/entry.js";

/** How long the tick of a sent message is seen. */
const TICK = 2_000;

/**
 * @param {{ list: HTMLElement, state: RoomState, reader: Reader, scroll: Scroll, offline(): boolean, newFrom: number | null }} options
 */
export function createMessages({ list, state, reader, scroll, offline, newFrom }) {
  /** @type {Map<number, HTMLLIElement>} */
  const lines = new Map();
  /** @type {Map<string, HTMLLIElement>} */
  const bubbles = new Map();
  let firstNew = newFrom;

  for (const line of list.querySelectorAll("li")) {
    const id = Number(line.dataset.entry);
    if (!id) continue;
    lines.set(id, line);
    finish(line);
    const message = state.messages.get(id);
    if (message?.reactions.length) drawReactions(line, id, reactionsOf(state, message), reader.viewer);
  }

  /** @param {Effects} effects */
  function draw(effects) {
    if (effects.room) drawPinned();
    const anything = effects.reset || effects.pending || effects.hidden || effects.changed.size > 0;
    if (!anything) return;
    scroll.steady(() => {
      if (effects.reset) clear();
      const messages = ordered(state);
      for (const id of effects.changed) drawOne(messages, id);
      if (effects.hidden) drawHidden();
      drawBubbles();
      redecorate(messages);
    });
  }

  function clear() {
    for (const line of lines.values()) line.remove();
    lines.clear();
    firstNew = null;
  }

  /** @param {Message[]} messages @param {number} id */
  function drawOne(messages, id) {
    const message = state.messages.get(id);
    if (!message) return;
    const mine = message.author.id === reader.viewer && message.client_nonce;
    const bubble = mine && !lines.has(id) ? takeBubble(mine) : null;
    const line = drawMessage(lines.get(id) ?? bubble, message, quoteOf(state, message), reader, reactionsOf(state, message));
    line.hidden = state.hidden.has(id);
    line.classList.toggle("is-pinned", isPinned(id));
    if (bubble) tick(line);
    lines.set(id, line);
    place(messages, message, line);
  }

  /** The bubble becomes the message: nothing jumps, and there are never two. @param {string} nonce */
  function takeBubble(nonce) {
    const bubble = bubbles.get(nonce) ?? null;
    bubbles.delete(nonce);
    return bubble;
  }

  /** For a moment the line says that it was sent. @param {HTMLElement} line */
  function tick(line) {
    line.dataset.state = "sent";
    setTimeout(() => delete line.dataset.state, TICK);
  }

  /** @param {Message[]} messages @param {Message} message @param {HTMLElement} line */
  function place(messages, message, line) {
    let after = null;
    for (let i = indexOf(messages, message.position) + 1; i < messages.length && !after; i += 1) {
      after = lines.get(messages[i].id) ?? null;
    }
    if (after) {
      if (nextEntry(line) !== after) after.before(line);
      return;
    }
    const bubble = firstBubble();
    if (bubble) {
      if (line.nextElementSibling !== bubble) bubble.before(line);
    } else if (line !== list.lastElementChild) list.append(line);
  }

  function firstBubble() {
    for (const bubble of bubbles.values()) if (bubble.parentElement === list) return bubble;
    return null;
  }

  function drawBubbles() {
    for (const [nonce, bubble] of bubbles) {
      if (state.pending.has(nonce)) continue;
      letFilesGo(bubble);
      bubble.remove();
      bubbles.delete(nonce);
    }
    for (const item of state.pending.values()) {
      const bubble = bubbles.get(item.nonce) ?? createPending(item);
      bubbles.set(item.nonce, bubble);
      drawPending(bubble, item, offline());
      if (bubble.parentElement !== list) list.append(bubble);
    }
  }

  function drawHidden() {
    for (const [id, line] of lines) line.hidden = state.hidden.has(id);
  }

  /** @param {number} id */
  function isPinned(id) {
    return state.roomInfo?.pins.some((pin) => pin.id === id) ?? false;
  }

  function drawPinned() {
    for (const [id, line] of lines) line.classList.toggle("is-pinned", isPinned(id));
  }

  /** @param {Message[]} messages */
  function redecorate(messages) {
    const entries = [];
    for (const message of messages) {
      const line = state.hidden.has(message.id) ? null : lines.get(message.id);
      if (line) entries.push({ message, line });
    }
    for (const item of state.pending.values()) {
      const line = bubbles.get(item.nonce);
      if (line) entries.push({ message: asMessage(item), line });
    }
    decorate(list, entries, reachesBack(messages) ? firstNew : null, Date.now());
  }

  /** Where even the oldest message that is loaded is new, the line would stand somewhere in the middle of the new ones. @param {Message[]} messages */
  function reachesBack(messages) {
    return state.lowest === 0 || firstNew === null || (messages.length > 0 && messages[0].position < firstNew);
  }

  /** Enough of a message to be grouped as one. @param {PendingItem} item @returns {Placed} */
  function asMessage({ created_at, reply_to }) {
    return { position: -1, kind: "text", author: { id: reader.viewer }, created_at, deleted: false, reply_to };
  }

  redecorate(ordered(state));

  return {
    draw,
    /** Words that depend on the connection. */
    redrawPending() {
      for (const item of state.pending.values()) {
        const bubble = bubbles.get(item.nonce);
        if (bubble) drawPending(bubble, item, offline());
      }
    },
    /** How far a message's files have come, from 0 to 1. @param {string} nonce @param {number} part */
    progress(nonce, part) {
      const bubble = bubbles.get(nonce);
      if (bubble) drawProgress(bubble, part);
    },
    /** @param {number} id */
    line: (id) => lines.get(id) ?? null,
    /** @param {number | null} position */
    setNewFrom(position) {
      firstNew = position;
      scroll.steady(() => redecorate(ordered(state)));
    },
    newFrom: () => firstNew,
    newLine: () => list.querySelector(".new-line"),
  };
}

/** @typedef {ReturnType<typeof createMessages>} Messages */

/** What the server rendered, for the reducer. @param {HTMLElement} list */
export function readList(list) {
  const read = [];
  const hidden = [];
  for (const line of list.querySelectorAll("li")) {
    if (!line.dataset.entry) continue;
    const entry = readEntry(line);
    if (entry) read.push(entry);
    if (line.hidden) hidden.push(Number(line.dataset.entry));
  }
  const quoted = read.flatMap((entry) => (entry.quoted ? [entry.quoted] : []));
  return { messages: read.map((entry) => entry.message), quoted, hidden };
}

/** @param {Message[]} messages @param {number} position */
function indexOf(messages, position) {
  let low = 0;
  let high = messages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (messages[middle].position < position) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** @param {Element} line */
function nextEntry(line) {
  let next = line.nextElementSibling;
  while (next && !(next instanceof HTMLElement && next.dataset.entry)) next = next.nextElementSibling;
  return next;
}
