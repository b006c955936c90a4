/**
 * What has been read: the watermark that goes to the server when the last message is really before somebody's eyes,
 * the count of what came since, and the button that leads there.
 *
 * @import { Message } from "../types.js"
 * @import { RoomState } from "./list_state.js"
 * @import { Messages } from "../messages.js"
 * @import { Scroll } from "./scroll.js"
 */
import { request } from "../http.js";
import { ordered } from "./list_state.js";
import { plural, t } from "../strings.js";
import { setText } from "./entry.js";

const THROTTLE = 1_500;

/**
 * @param {{
 *   state: RoomState, scroll: Scroll, messages: Messages, button: HTMLElement | null, position: number,
 *   onUnread(count: number): void
 * }} options
 */
export function createReading({ state, scroll, messages, button, position, onUnread }) {
  let read = position;
  let fresh = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  const looking = () => !document.hidden && document.hasFocus() && scroll.isFollowing();

  /** @param {Message} message */
  const isNews = (message) => message.author.id !== state.viewer && message.kind !== "system" && !message.deleted;

  /** @returns {Message | null} the last one of somebody else */
  function lastForeign() {
    const all = ordered(state);
    for (let i = all.length - 1; i >= 0; i -= 1) {
      if (all[i].author.id !== state.viewer) return all[i];
    }
    return null;
  }

  function drawButton() {
    if (!button) return;
    button.hidden = scroll.isFollowing();
    button.classList.toggle("has-new", fresh > 0);
    setText(button.querySelector("span") ?? button, fresh > 0 ? plural("js-jump-latest", fresh) : t("js-jump-latest"));
  }

  function unread() {
    let count = 0;
    for (const { id, position: at, kind, author, deleted } of state.messages.values()) {
      if (at > read && author.id !== state.viewer && kind !== "system" && !deleted && !state.hidden.has(id)) count += 1;
    }
    return count;
  }

  function look() {
    if (scroll.isFollowing() && !document.hidden) fresh = 0;
    drawButton();
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

  button?.addEventListener("click", () => {
    scroll.toBottom();
    look();
  });
  addEventListener("focus", look);
  document.addEventListener("visibilitychange", look);

  return {
    look,
    /** @param {Message[]} arrived */
    arrived(arrived) {
      const foreign = arrived.filter((message) => isNews(message) && message.position > read);
      if (foreign.length > 0 && !looking()) {
        fresh += foreign.length;
        if (messages.newFrom() === null) messages.setNewFrom(Math.min(...foreign.map((message) => message.position)));
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
