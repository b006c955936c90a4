/**
 * The left column: which rooms have something unread. The marks are derived from the rooms' own topics, corrected by
 * the server's summary, and cleared by the read watermark of any of this person's devices.
 *
 * @import { Change, UserEvent, UserPage } from "./types.js"
 */
import { number } from "./strings.js";

/** @typedef {{ link: HTMLElement | null, epoch: string, revision: number, unread: number }} Mark */

/**
 * @param {{ list: HTMLElement, viewer: number, current: number, title: Document }} options
 */
export function createRooms({ list, viewer, current, title }) {
  const plainTitle = title.title;
  /** @type {Map<number, Mark>} */
  const marks = new Map();
  /** Rooms that the server named and the column does not show: asked about once. @type {Set<number>} */
  const strangers = new Set();
  let lastRooms = "";

  function read() {
    for (const link of list.querySelectorAll("[data-room-link]")) {
      if (!(link instanceof HTMLElement)) continue;
      marks.set(Number(link.dataset.roomLink), {
        link, epoch: link.dataset.epoch ?? "", revision: Number(link.dataset.revision ?? 0),
        unread: Number(link.querySelector(".unread")?.textContent ?? 0) || 0,
      });
    }
  }

  /** @param {number} room */
  function isNewStranger(room) {
    if (strangers.has(room)) return false;
    strangers.add(room);
    return true;
  }

  function draw() {
    let total = 0;
    for (const { link, unread } of marks.values()) {
      total += unread;
      const badge = link?.querySelector(".unread");
      if (!link || !badge) continue;
      badge.textContent = unread > 0 ? number(unread) : "";
      badge.toggleAttribute("hidden", unread === 0);
      link.classList.toggle("has-unread", unread > 0);
    }
    title.title = total > 0 ? `(${number(total)}) ${plainTitle}` : plainTitle;
  }

  /** @param {number} room @param {number} unread */
  function setUnread(room, unread) {
    const mark = marks.get(room);
    if (!mark || mark.unread === unread) return;
    mark.unread = unread;
    draw();
  }

  read();
  draw();

  return {
    setUnread,
    /**
     * A change in a room that is not the one on the screen.
     * @param {Change} change
     * @returns {boolean} whether something came before it that was not seen
     */
    note(change) {
      const mark = marks.get(change.chatroom);
      if (!mark) return isNewStranger(change.chatroom);
      if (mark.epoch !== change.epoch || change.revision > mark.revision + 1) return true;
      if (change.revision <= mark.revision) return false;
      mark.revision = change.revision;
      const { message } = change;
      // An edit or a deletion of something older is no news.
      if (message && message.position === change.revision && message.author.id !== viewer && message.kind !== "system") setUnread(change.chatroom, mark.unread + 1);
      return false;
    },
    /** @param {number} room @param {number} top */
    isBehind(room, top) {
      const mark = marks.get(room);
      if (room === current) return false;
      return mark ? mark.revision !== top : isNewStranger(room);
    },
    /**
     * The server's summary of all rooms.
     * @param {UserPage} page
     * @returns {boolean} whether the list of rooms itself has changed
     */
    adopt(page) {
      const rooms = page.rooms.map(({ id, title, state }) => `${id} ${state} ${title}`).join("\n");
      const unlisted = lastRooms === "" && page.rooms.some(({ id }) => !marks.has(id));
      const changed = unlisted || (lastRooms !== "" && rooms !== lastRooms);
      lastRooms = rooms;
      for (const { id, epoch, revision, unread } of page.rooms) {
        const mark = marks.get(id);
        if (mark && id !== current && (mark.epoch !== epoch || revision >= mark.revision)) {
          Object.assign(mark, { epoch, revision });
          setUnread(id, unread);
        }
      }
      return changed;
    },
    /** Read on another device, or here. @param {UserEvent["event"]} event */
    read(event) {
      if (event.chatroom !== undefined) setUnread(event.chatroom, event.count ?? 0);
    },
    /** Takes the server's rendering of the column. @param {Element} fresh */
    replace(fresh) {
      const here = marks.get(current)?.unread ?? 0;
      marks.clear();
      list.replaceChildren(...fresh.children);
      read();
      const mark = marks.get(current);
      if (mark) mark.unread = here;
      draw();
    },
  };
}

/** @typedef {ReturnType<typeof createRooms>} Rooms */
