/**
 * The left column: which rooms have something unread. The marks are derived from the rooms' own topics, corrected by
 * the server's summary, and cleared by the read watermark of any of this person's devices.
 *
 * @import { Change, UserEventBody, UserPage } from "./types.js"
 */
import { isThin } from "./room/list_state.js";
import { number } from "./strings.js";

/**
 * `last`: where the newest message of somebody else stands that this page heard of.
 * @typedef {{ link: HTMLElement | null, epoch: string, revision: number, unread: number, mentions: number, muted: boolean, last: number }} Mark
 */

/** The dot on the tab's picture, and on the program's own where the page is installed. @param {number} total */
function badge(total) {
  const icon = document.querySelector("link[rel=icon]");
  const wanted = total > 0 ? "favicon-unread.svg" : "favicon.svg";
  const present = icon?.getAttribute("href") ?? "";
  if (icon && !present.endsWith(`/${wanted}`)) icon.setAttribute("href", present.replace(/[^/]+$/, wanted));
  if ("setAppBadge" in navigator) void (total > 0 ? navigator.setAppBadge(total) : navigator.clearAppBadge()).catch(() => {});
}


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
        mentions: Number(link.querySelector(".mentions")?.textContent?.slice(1) ?? 0) || 0,
        muted: link.dataset.muted !== undefined, last: 0,
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
    for (const { link, unread, mentions } of marks.values()) {
      total += unread;
      const count = link?.querySelector(".unread");
      if (!link || !count) continue;
      count.textContent = unread > 0 ? number(unread) : "";
      count.toggleAttribute("hidden", unread === 0);
      const names = link.querySelector(".mentions");
      if (names) names.textContent = mentions > 0 ? `@${number(mentions)}` : "";
      names?.toggleAttribute("hidden", mentions === 0);
      link.classList.toggle("has-unread", unread > 0);
    }
    title.title = total > 0 ? `(${number(total)}) ${plainTitle}` : plainTitle;
    badge(total);
  }

  /** @param {number} room @param {number} unread */
  function setUnread(room, unread) {
    const mark = marks.get(room);
    if (!mark || (mark.unread === unread && (unread > 0 || mark.mentions === 0))) return;
    mark.unread = mark.muted ? 0 : unread;
    if (unread === 0) mark.mentions = 0;
    draw();
  }

  read();
  draw();

  return {
    setUnread,
    /**
     * A change in a room that is not the one on the screen.
     * @param {Change} change
     * @returns {boolean} whether the server has to be asked: something came before it that was not seen, or it has no content
     */
    note(change) {
      const mark = marks.get(change.chatroom);
      if (!mark) return isNewStranger(change.chatroom);
      if (mark.epoch !== change.epoch || change.revision > mark.revision + 1) return true;
      if (change.revision <= mark.revision) return false;
      if (isThin(change)) return true;
      mark.revision = change.revision;
      const { message } = change;
      // An edit or a deletion of something older is no news.
      if (message && message.position === change.revision && message.author.id !== viewer && message.kind !== "system") {
        mark.last = message.position;
        setUnread(change.chatroom, mark.unread + 1);
      }
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
      for (const { id, epoch, revision, unread, mentions, muted = false } of page.rooms) {
        const mark = marks.get(id);
        if (mark) mark.muted = muted;
        if (mark && id !== current && (mark.epoch !== epoch || revision >= mark.revision)) {
          Object.assign(mark, { epoch, revision });
          setUnread(id, unread);
          if (mark.mentions !== mentions) {
            mark.mentions = mentions;
            draw();
          }
        }
      }
      return changed;
    },
    /**
     * Read on another device, or here.
     * @param {UserEventBody} event
     * @returns {boolean} whether something came after what was read there
     */
    read({ chatroom = 0, position = 0 }) {
      const mark = marks.get(chatroom);
      if (!mark || chatroom === current) return false;
      if (position < mark.last) return true;
      setUnread(chatroom, 0);
      return false;
    },
    /** A message elsewhere names this person. @param {number} room */
    mentioned(room) {
      const mark = marks.get(room);
      if (!mark || mark.muted || (room === current && document.hasFocus())) return;
      mark.mentions += 1;
      draw();
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
