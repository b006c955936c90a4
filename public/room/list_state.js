/**
 * What a room's list is, and what can be asked of it. How it changes is `room_state.js`.
 *
 * @import { Change, Message, PendingItem, Quoted, Reaction, Room, RoomMember } from "../types.js"
 */

/**
 * @typedef {{
 *   room: number, viewer: number, epoch: string, revision: number, top: number, lowest: number,
 *   messages: Map<number, Message>, beyond: Map<number, Message>, held: Map<number, Change>,
 *   quotes: Map<number, { quoted: Quoted, revision: number }>, repliers: Map<number, Set<number>>,
 *   own: Map<string, number>, pending: Map<string, PendingItem>, acknowledged: Map<string, { epoch: string, revision: number }>,
 *   roomInfo: Room | null, members: Map<number, RoomMember>, hidden: Set<number>, wishes: Map<string, Wish>, stale: boolean, doubts: number, partial: boolean
 * }} RoomState
 *
 * A reaction that this reader has asked for, or taken back, and the server has not answered for yet.
 * @typedef {{ id: number, emoji: string, on: boolean }} Wish
 *
 * What the caller has to do: draw `changed`, forget `settled`, and fetch: at once ("now") or, where the
 * missing change is probably on its way, a moment later ("soon").
 * @typedef {{
 *   reset: boolean, changed: Set<number>, fresh: number[], pending: boolean, settled: string[],
 *   room: boolean, members: boolean, hidden: boolean, fetch: null | "soon" | "now"
 * }} Effects
 */

/** @returns {Effects} */
export function noEffects() {
  return {
    reset: false, changed: new Set(), fresh: [], pending: false, settled: [],
    room: false, members: false, hidden: false, fetch: null,
  };
}

/**
 * An empty room at a cursor. `adopt` fills it with what the server rendered.
 * @param {{ room: number, viewer: number, epoch: string, revision: number }} start
 * @returns {RoomState}
 */
export function createRoomState({ room, viewer, epoch, revision }) {
  return {
    room, viewer, epoch, revision, top: revision, lowest: 0,
    messages: new Map(), beyond: new Map(), held: new Map(), quotes: new Map(), repliers: new Map(),
    own: new Map(), pending: new Map(), acknowledged: new Map(),
    roomInfo: null, members: new Map(), hidden: new Set(), wishes: new Map(), stale: false, doubts: 0, partial: false,
  };
}

/**
 * The loaded messages in the order that is the same for everybody.
 * @param {RoomState} state
 * @returns {Message[]}
 */
export function ordered(state) {
  return [...state.messages.values()].sort((a, b) => a.position - b.position);
}

/**
 * What a reply quotes, as it stands now.
 * @param {RoomState} state
 * @param {Message} message
 * @returns {Quoted | null}
 */
export function quoteOf(state, message) {
  if (!message.reply_to) return null;
  const source = state.messages.get(message.reply_to.id);
  const kept = state.quotes.get(message.reply_to.id)?.quoted ?? null;
  // A message read from the page has no text of its own: its excerpt is a guess, what the server said is better.
  return source && (source.content !== null || !kept) ? asQuote(source) : kept;
}

/**
 * @param {Message} message
 * @returns {Quoted}
 */
export function asQuote({ id, position, author, excerpt, deleted }) {
  return { id, position, author, excerpt, deleted };
}

/**
 * What people put on a message, with what this reader has just asked for.
 * @param {RoomState} state
 * @param {Message} message
 * @returns {Reaction[]}
 */
export function reactionsOf({ wishes, viewer }, message) {
  let shown = message.reactions ?? [];
  for (const { id, emoji, on } of wishes.values()) {
    const known = shown.find((reaction) => reaction.emoji === emoji);
    if (id !== message.id || message.deleted || (known?.users.includes(viewer) ?? false) === on) continue;
    if (!known) shown = [...shown, { emoji, users: [viewer] }];
    else shown = shown.map((reaction) => (reaction === known ? { emoji, users: changed(known.users, viewer, on) } : reaction));
  }
  return shown.filter(({ users }) => users.length > 0);
}

/** @param {number[]} users @param {number} user @param {boolean} on */
function changed(users, user, on) {
  return on ? [...users, user] : users.filter((one) => one !== user);
}

/**
 * Whether something is known to exist that the list does not show yet.
 * @param {RoomState} state
 */
export function behind(state) {
  return state.stale || state.partial || state.top > state.revision;
}

/** What to ask the server for next. @param {RoomState} state */
export function nextRequest({ epoch, revision, doubts }) {
  return { epoch, since: revision, doubts };
}

/** What to ask for when the reader goes up. @param {RoomState} state */
export function earlierRequest({ epoch, lowest, revision, doubts }) {
  return { epoch, before: lowest, at: revision, doubts };
}

/** A change that only says that there is one: not everybody may see it, or the hub may keep what it is told. @param {Change} change */
export function isThin(change) {
  return !change.message && !change.room && !change.member;
}
