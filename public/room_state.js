/**
 * The one reducer: how each change, page and own draft alters a room's list.
 * It touches no DOM, no clock and no network, so that every order of arrival can be tried in a test.
 *
 * @import { Change, Message, Page, PageRequest, PendingItem, Quoted, Room, RoomMember } from "./types.js"
 * @import { Effects, RoomState } from "./room/list_state.js"
 */
import { asQuote, behind, isThin, noEffects } from "./room/list_state.js";

/**
 * Takes the messages that stood in the page when it was loaded.
 * @param {RoomState} state
 * @param {{ messages: Message[], quoted: Quoted[], hasEarlier: boolean, hidden?: number[], room?: Room }} rendered
 */
export function adopt(state, { messages, quoted, hasEarlier, hidden = [], room }) {
  const effects = noEffects();
  state.hidden = new Set(hidden);
  for (const quote of quoted) keepQuote(state, quote, state.revision, effects);
  state.lowest = hasEarlier && messages[0] ? messages[0].position : 0;
  for (const message of messages) putMessage(state, message, effects);
  // Last: the messages of a page have no Markdown, so what they say of a pin is a guess.
  if (room) state.roomInfo = room;
}

/**
 * @param {RoomState} state
 * @param {Change} change
 * @returns {Effects}
 */
export function apply(state, change) {
  const effects = noEffects();
  if (change.chatroom !== state.room) return effects;
  if (change.epoch !== state.epoch) {
    doubt(state, effects);
    return effects;
  }
  if (change.revision > state.top) state.top = change.revision;
  if (change.revision <= state.revision) return effects;
  if (isThin(change)) {
    effects.fetch = "now";
    return effects;
  }
  state.held.set(change.revision, change);
  drainHeld(state, effects);
  sweepAcknowledged(state, effects);
  if (behind(state)) effects.fetch = "soon";
  return effects;
}

/**
 * The answer to a fetch. One that was asked from another place than where the list stands now changes nothing.
 * @param {RoomState} state
 * @param {Page} page
 * @param {PageRequest} request
 * @returns {Effects}
 */
export function applyPage(state, page, request) {
  const effects = noEffects();
  if (page.chatroom !== state.room) return effects;
  if (request.epoch !== state.epoch) {
    doubt(state, effects);
    return effects;
  }
  if ("before" in request) applyEarlier(state, page, request, effects);
  else if (page.reset) applyReset(state, page, request.since, effects);
  else applySince(state, page, request.since, effects);
  if (!("before" in request) && request.doubts === state.doubts) state.stale = false;
  sweepAcknowledged(state, effects);
  if (behind(state) && effects.fetch === null) effects.fetch = "soon";
  return effects;
}

/**
 * The room's top revision, as the heartbeat or a summary tells it.
 * @param {RoomState} state
 * @param {number} revision
 * @returns {Effects}
 */
export function noteTop(state, revision) {
  const effects = noEffects();
  // Below the cursor: the server was restored from an older copy, and says so to whoever fetches.
  if (revision < state.revision) doubt(state, effects);
  if (revision > state.top) state.top = revision;
  if (revision !== state.revision) effects.fetch = "now";
  return effects;
}

/**
 * The own messages that wait in the outbox, in their order.
 * @param {RoomState} state
 * @param {PendingItem[]} items
 * @returns {Effects}
 */
export function setPending(state, items) {
  const effects = noEffects();
  effects.pending = true;
  const sent = [...state.pending.values()].filter((item) => state.acknowledged.has(item.nonce));
  state.pending.clear();
  for (const item of sent) state.pending.set(item.nonce, item);
  for (const item of [...items].sort((a, b) => a.seq - b.seq)) {
    if (item.viewer !== state.viewer || item.room !== state.room) continue;
    if (state.own.has(item.nonce)) effects.settled.push(item.nonce);
    else if (!state.acknowledged.has(item.nonce)) state.pending.set(item.nonce, item);
  }
  return effects;
}

/**
 * The server has the message of this nonce. Its bubble stays until the list reaches that revision.
 * @param {RoomState} state
 * @param {string} nonce
 * @param {Change} change
 * @returns {Effects}
 */
export function acknowledge(state, nonce, change) {
  const item = state.pending.get(nonce);
  if (item) {
    state.pending.set(nonce, { ...item, status: "sent", error: null });
    state.acknowledged.set(nonce, { epoch: change.epoch, revision: change.revision });
  }
  const effects = apply(state, change);
  sweepAcknowledged(state, effects);
  if (item) effects.pending = true;
  return effects;
}

/**
 * The reader puts an emoji on a message, or takes it away: shown at once, until the server has answered (`on` is null then).
 * @param {RoomState} state
 * @param {number} id
 * @param {string} emoji
 * @param {boolean | null} on
 * @returns {Effects}
 */
export function wish(state, id, emoji, on) {
  const effects = noEffects();
  if (on === null) state.wishes.delete(wishKey(id, emoji));
  else state.wishes.set(wishKey(id, emoji), { id, emoji, on });
  if (state.messages.has(id)) effects.changed.add(id);
  return effects;
}

/** @param {number} id @param {string} emoji */
export function wishKey(id, emoji) {
  return `${id} ${emoji}`;
}

/**
 * The reader hides a message for oneself, or shows it again: here, or on another device.
 * @param {RoomState} state
 * @param {number} id
 * @param {boolean} on
 * @returns {Effects}
 */
export function setHidden(state, id, on) {
  const effects = noEffects();
  effects.hidden = state.hidden.has(id) !== on;
  if (on) state.hidden.add(id);
  else state.hidden.delete(id);
  return effects;
}

/**
 * Something does not belong to this log: only an answer that was asked for after this moment can tell.
 * @param {RoomState} state
 * @param {Effects} effects
 */
function doubt(state, effects) {
  state.stale = true;
  state.doubts += 1;
  effects.fetch = "now";
}

/** @param {RoomState} state @param {Effects} effects */
function drainHeld(state, effects) {
  for (const revision of state.held.keys()) {
    if (revision <= state.revision) state.held.delete(revision);
  }
  let next = state.held.get(state.revision + 1);
  while (next) {
    state.held.delete(next.revision);
    state.revision = next.revision;
    applyItem(state, next, effects);
    next = state.held.get(state.revision + 1);
  }
}

/** @param {RoomState} state @param {Change} change @param {Effects} effects */
function applyItem(state, change, effects) {
  if (change.quoted) keepQuote(state, change.quoted, change.revision, effects);
  if (change.message) putMessage(state, change.message, effects);
  if (change.room) putRoom(state, change.room, effects);
  if (change.member) putMember(state, change.member, effects);
}

/** @param {RoomState} state @param {Page} page @param {number} since @param {Effects} effects */
function applySince(state, page, since, effects) {
  if (page.epoch !== state.epoch || since > state.revision) {
    doubt(state, effects);
    return;
  }
  applyBeside(state, page, effects);
  for (const message of page.messages) putMessage(state, message, effects);
  if (page.revision > state.revision) state.revision = page.revision;
  if (page.revision > state.top) state.top = page.revision;
  drainHeld(state, effects);
  state.partial = page.has_more;
  if (page.has_more) effects.fetch = "now";
}

/** @param {RoomState} state @param {Page} page @param {number} since @param {Effects} effects */
function applyReset(state, page, since, effects) {
  // An answer that was overtaken by pushes must not take the list back.
  if (page.epoch === state.epoch && page.revision < state.revision && since !== state.revision) {
    doubt(state, effects);
    return;
  }
  const first = page.messages[0];
  const sameLog = page.epoch === state.epoch && page.revision >= state.revision;
  if (!sameLog) state.held.clear();
  const top = sameLog ? Math.max(state.top, page.revision) : page.revision;
  Object.assign(state, { epoch: page.epoch, revision: page.revision, top, partial: false, roomInfo: null });
  state.lowest = page.has_earlier && first ? first.position : 0;
  for (const part of [state.messages, state.beyond, state.quotes, state.repliers, state.own, state.members]) part.clear();
  effects.reset = true;
  applyBeside(state, page, effects);
  for (const message of page.messages) putMessage(state, message, effects);
  effects.fresh = [];
  drainHeld(state, effects);
}

/** @param {RoomState} state @param {Page} page @param {{ before: number, at: number }} request @param {Effects} effects */
function applyEarlier(state, page, { before, at }, effects) {
  if (page.epoch !== state.epoch || before !== state.lowest) return;
  const first = page.messages[0];
  state.lowest = page.has_earlier && first ? first.position : 0;
  // The page was read at some revision from `at` on; the lowest is the one that never covers something newer.
  for (const quote of page.quoted ?? []) keepQuote(state, quote, at, effects);
  for (const id of page.hidden ?? []) state.hidden.add(id);
  for (const message of page.messages) {
    const later = state.beyond.get(message.id);
    state.beyond.delete(message.id);
    putMessage(state, later && later.revision > message.revision ? later : message, effects);
  }
  effects.fresh = [];
}

/** @param {RoomState} state @param {Page} page @param {Effects} effects */
function applyBeside(state, page, effects) {
  for (const quote of page.quoted ?? []) keepQuote(state, quote, page.revision, effects);
  if (page.room) putRoom(state, page.room, effects);
  for (const member of page.members ?? []) putMember(state, member, effects);
  if (!page.hidden) return;
  state.hidden = page.reset ? new Set(page.hidden) : new Set([...state.hidden, ...page.hidden]);
  effects.hidden = true;
}

/** @param {RoomState} state @param {Message} message @param {Effects} effects */
function putMessage(state, message, effects) {
  keepQuote(state, asQuote(message), message.revision, effects);
  keepPin(state, message, effects);
  const known = state.messages.get(message.id);
  if (known && known.revision >= message.revision) return;
  if (message.position < state.lowest) {
    const beyond = state.beyond.get(message.id);
    if (!beyond || beyond.revision < message.revision) state.beyond.set(message.id, message);
    return;
  }
  state.messages.set(message.id, message);
  effects.changed.add(message.id);
  if (!known) {
    effects.fresh.push(message.id);
    if (message.reply_to) repliersOf(state, message.reply_to.id).add(message.id);
  }
  for (const reply of state.repliers.get(message.id) ?? []) effects.changed.add(reply);
  if (message.author.id === state.viewer && message.client_nonce) settleNonce(state, message.client_nonce, message.id, effects);
}

/**
 * A pin says what its message says now, and goes with it: an edit or a deletion is no change of the room.
 * @param {RoomState} state
 * @param {Message} message
 * @param {Effects} effects
 */
function keepPin(state, message, effects) {
  const { roomInfo } = state;
  if (!roomInfo || message.revision <= roomInfo.revision || !roomInfo.pins.some(({ id }) => id === message.id)) return;
  const pins = message.deleted ? roomInfo.pins.filter(({ id }) => id !== message.id)
    : roomInfo.pins.map((pin) => (pin.id === message.id ? asQuote(message) : pin));
  state.roomInfo = { ...roomInfo, pins };
  effects.room = true;
}

/** @param {RoomState} state @param {string} nonce @param {number} id @param {Effects} effects */
function settleNonce(state, nonce, id, effects) {
  state.own.set(nonce, id);
  state.acknowledged.delete(nonce);
  if (!state.pending.delete(nonce)) return;
  effects.pending = true;
  effects.settled.push(nonce);
}

/**
 * Drops the bubbles of messages that the server has and that this list passed without showing (above the loaded window).
 * @param {RoomState} state
 * @param {Effects} effects
 */
function sweepAcknowledged(state, effects) {
  for (const [nonce, { epoch, revision }] of state.acknowledged) {
    // Between two pages a message may be ahead of the cursor by a later edit although its first revision was passed.
    if (behind(state) || (epoch === state.epoch && revision > state.revision)) continue;
    settleNonceWithoutMessage(state, nonce, effects);
  }
}

/** @param {RoomState} state @param {string} nonce @param {Effects} effects */
function settleNonceWithoutMessage(state, nonce, effects) {
  state.acknowledged.delete(nonce);
  if (state.pending.delete(nonce)) effects.pending = true;
}

/** @param {RoomState} state @param {Quoted} quoted @param {number} revision @param {Effects} effects */
function keepQuote(state, quoted, revision, effects) {
  const known = state.quotes.get(quoted.id);
  if (known && known.revision >= revision) return;
  state.quotes.set(quoted.id, { quoted, revision });
  if (state.messages.has(quoted.id)) return;
  for (const reply of state.repliers.get(quoted.id) ?? []) effects.changed.add(reply);
}

/** @param {RoomState} state @param {number} id */
function repliersOf(state, id) {
  let repliers = state.repliers.get(id);
  if (!repliers) state.repliers.set(id, (repliers = new Set()));
  return repliers;
}

/** @param {RoomState} state @param {Room} room @param {Effects} effects */
function putRoom(state, room, effects) {
  if (state.roomInfo && state.roomInfo.revision >= room.revision) return;
  state.roomInfo = room;
  effects.room = true;
}

/** @param {RoomState} state @param {RoomMember} member @param {Effects} effects */
function putMember(state, member, effects) {
  const known = state.members.get(member.user.id);
  if (known && known.revision >= member.revision) return;
  state.members.set(member.user.id, member);
  effects.members = true;
}
