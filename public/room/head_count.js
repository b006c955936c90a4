/**
 * How many are in the room: the server's number at a revision, and what the log has said since.
 *
 * @import { RoomMember } from "../types.js"
 */

/** @param {{ revision: number, count: number, draw(count: number): void }} options */
export function createHeadCount({ revision, count, draw }) {
  let at = revision;
  /** Later changes that are counted, by person: the log's state of a person is told more than once. @type {Map<number, number>} */
  const known = new Map();

  return {
    /** @param {Iterable<RoomMember>} members */
    follow(members) {
      const before = count;
      for (const { user, state, is_new: isNew, revision: changed } of members) {
        if (changed <= Math.max(at, known.get(user.id) ?? 0)) continue;
        known.set(user.id, changed);
        if (state === "left") count -= 1;
        else if (isNew) count += 1;
      }
      if (count !== before) draw(count);
    },
    /** The server says it anew. @param {number} said @param {number} of the revision that it is true of */
    set(said, of) {
      at = of;
      known.clear();
      count = said;
      draw(count);
    },
  };
}
