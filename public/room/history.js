/**
 * History upwards: a page when the reader comes near the top, on the button, or on the way to a message that is
 * linked or quoted.
 *
 * @import { Effects, RoomState } from "./list_state.js"
 */
import { applyPage } from "../room_state.js";
import { earlierRequest } from "./list_state.js";
import { fetchEarlier } from "../link/transports.js";

const NEAR = "400px 0px 0px 0px";
/** A link to something very old loads no more pages than this. */
const MOST_PAGES = 40;
/** Messages of a page on the way to one. */
const STRIDE = 100;

/**
 * @param {{
 *   state: RoomState, scroller: HTMLElement, list: HTMLElement, button: HTMLElement | null, take(effects: Effects): void
 * }} options
 */
export function createHistory({ state, scroller, list, button, take }) {
  /** @type {Promise<boolean> | null} */
  let loading = null;

  const watch = button ? new IntersectionObserver((seen) => {
    if (seen.some((entry) => entry.isIntersecting)) void load();
  }, { root: scroller, rootMargin: NEAR }) : null;

  function drawButton() {
    const more = state.lowest > 0;
    list.dataset.hasEarlier = String(more);
    if (button) button.hidden = !more;
    button?.removeAttribute("aria-busy");
  }

  /** @param {number} [limit] */
  async function loadPage(limit) {
    if (state.lowest <= 0) return false;
    const asked = earlierRequest(state);
    button?.setAttribute("aria-busy", "true");
    list.setAttribute("aria-live", "off");
    const answer = await fetchEarlier(state.room, asked.before, limit);
    const arrived = answer.kind === "page";
    if (arrived) take(applyPage(state, answer.page, asked));
    drawButton();
    requestAnimationFrame(() => list.setAttribute("aria-live", "polite"));
    return arrived;
  }

  /** @returns {Promise<boolean>} whether anything came */
  async function load(limit = 50) {
    loading ??= loadPage(limit);
    const arrived = await loading;
    loading = null;
    // The button may still be near: an observer only tells of changes.
    if (button && arrived) {
      watch?.unobserve(button);
      if (state.lowest > 0) watch?.observe(button);
    }
    return arrived;
  }

  button?.addEventListener("click", (event) => {
    event.preventDefault();
    void load();
  });

  return {
    drawButton,
    /** From here on the approach of the top loads more: not before the first scroll to where the reader belongs. */
    start() {
      drawButton();
      if (button && state.lowest > 0) watch?.observe(button);
    },
    /** @param {number} id @param {number} position where it stands, 0 when that is not known */
    async reach(id, position) {
      for (let page = 0; page < MOST_PAGES && !state.messages.has(id); page += 1) {
        if (state.lowest <= position || !(await load(STRIDE))) break;
      }
      return state.messages.has(id);
    },
  };
}
