/**
 * What has been read: the watermark that goes to the server when the last message is really before somebody's eyes,
 * the line and the count of what came since, and the buttons that lead there.
 *
 * @import { Message } from "../types.js"
 * @import { RoomState } from "./list_state.js"
 * @import { Messages } from "../messages.js"
 * @import { Scroll } from "./scroll.js"
 */
import { request } from "../http.js";
import { ordered } from "./list_state.js";
import { plural, t } from "../strings.js";
import { shortTime } from "../time.js";
import { setText } from "./entry.js";

const THROTTLE = 1_500;
const OPEN = ":popover-open, dialog[open], details.entry-actions[open]";

/**
 * @param {{
 *   state: RoomState, scroll: Scroll, messages: Messages, position: number, scroller: HTMLElement,
 *   buttons: { latest: HTMLElement | null, unread: HTMLElement | null },
 *   onUnread(count: number): void, reach(position: number): Promise<void>
 * }} options `reach` loads the history down to a position
 */
export function createReading({ state, scroll, messages, position, scroller, buttons, onUnread, reach }) {
  let read = position;
  let fresh = 0;
  /** The person said that it is not read: so it stays until the person has been away. */
  let held = false;
  let left = false;
  /** Whether the way up to what is new is still offered. */
  let offered = true;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  const looking = () => !held && !document.hidden && document.hasFocus() && scroll.isFollowing();
  const isNews = (/** @type {Message} */ { id, author, deleted, kind }) =>
    author.id !== state.viewer && !deleted && kind !== "system" && !state.hidden.has(id);

  /** @returns {Message | null} the last one of somebody else */
  function lastForeign() {
    const all = ordered(state);
    for (let i = all.length - 1; i >= 0; i -= 1) {
      if (all[i].author.id !== state.viewer) return all[i];
    }
    return null;
  }

  function drawButtons() {
    const { latest } = buttons;
    if (latest) {
      latest.hidden = scroll.isFollowing();
      latest.classList.toggle("has-new", fresh > 0);
      setText(latest.querySelector("span") ?? latest, fresh > 0 ? plural("js-jump-latest", fresh) : t("js-jump-latest"));
    }
    drawWayUp();
  }

  /** "12 new messages since 14:05", while the line stands above what is seen. */
  function drawWayUp() {
    const button = buttons.unread;
    if (!button) return;
    const from = messages.newFrom();
    const line = messages.newLine();
    const isAbove = line ? line.getBoundingClientRect().bottom < scroller.getBoundingClientRect().top : from !== null;
    if (line && !isAbove) offered = false;
    const news = from === null || !offered || !isAbove ? [] : ordered(state).filter((message) => message.position >= from && isNews(message));
    button.hidden = news.length === 0;
    if (news.length > 0) setText(button.querySelector("span"), plural("js-unread-since", news.length, { time: shortTime(news[0].created_at) }));
  }

  function unread() {
    let count = 0;
    for (const message of state.messages.values()) {
      if (message.position > read && isNews(message)) count += 1;
    }
    return count;
  }

  function look() {
    if (scroll.isFollowing() && !document.hidden) fresh = 0;
    drawButtons();
    if (looking() && timer === undefined) timer = setTimeout(tell, fresh === 0 ? 150 : THROTTLE);
  }

  async function tell() {
    const last = looking() ? lastForeign() : null;
    if (last && last.position > read) {
      const before = read;
      read = last.position;
      onUnread(0);
      const reply = await request(`/message/${last.id}/mark-read`, { form: {} });
      if (reply.kind !== "ok") read = before;
    }
    timer = setTimeout(() => {
      timer = undefined;
      const next = looking() ? lastForeign() : null;
      if (next && next.position > read) look();
    }, THROTTLE);
  }

  /** The line stands still while somebody reads, and moves when something comes for who has read all and looks away. @param {Message[]} news */
  function drawLine(news) {
    const from = messages.newFrom();
    if (from !== null && from > read) return;
    offered = true;
    messages.setNewFrom(Math.min(...news.map((message) => message.position)));
  }

  /** @param {number} from the position of the first message that is to be read again */
  function unreadFrom(from) {
    held = true;
    left = false;
    offered = true;
    if (from <= read || messages.newFrom() !== from) {
      read = from - 1;
      messages.setNewFrom(from);
    }
    onUnread(unread());
    drawButtons();
  }

  /** Everything is read, says the person. */
  function readAll() {
    held = false;
    offered = false;
    messages.setNewFrom(null);
    scroll.toBottom();
    look();
  }

  function leave() {
    left = true;
  }

  function comeBack() {
    if (document.hidden || !document.hasFocus()) return leave();
    if (held && left) held = false;
    look();
  }

  buttons.latest?.addEventListener("click", () => {
    scroll.toBottom();
    look();
  });
  buttons.unread?.addEventListener("click", async () => {
    const from = messages.newFrom();
    if (from === null) return;
    await reach(from - 1);
    const line = messages.newLine();
    if (line) scroll.to(line);
    offered = false;
    look();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && !document.querySelector(OPEN)) readAll();
  });
  addEventListener("focus", comeBack);
  addEventListener("blur", leave);
  document.addEventListener("visibilitychange", comeBack);

  return {
    look,
    unreadFrom,
    /** @param {Message} message */
    async markUnread(message) {
      const reply = await request(`/message/${message.id}/mark-unread`, { form: {} });
      if (reply.kind === "ok") unreadFrom(message.position);
    },
    /** @param {Message[]} arrived */
    arrived(arrived) {
      const news = arrived.filter((message) => message.position > read && isNews(message));
      if (news.length > 0 && !looking()) {
        fresh += news.length;
        drawLine(news);
        onUnread(unread());
      }
      look();
    },
    /** Another device of this person has read so far. @param {number} upTo */
    readElsewhere(upTo) {
      if (upTo <= read) return;
      read = upTo;
      onUnread(unread());
    },
  };
}
