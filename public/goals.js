/**
 * The pages of the goals follow what is asked and decided about them: a person who waits for an answer sees it come,
 * and so does who has to give one. A stream of the person's own topic tells when to look; without it the page asks.
 */
import { request } from "./http.js";
import { backoff, browserClock, createTimer } from "./link/backoff.js";
import { askToken, webSocket } from "./link/transports.js";
import { parsePage } from "./trusted.js";

const EVERY = 4_000;
const EVERY_HIDDEN = 30_000;
/** Behind a stream, for what a half-dead one does not tell. */
const EVERY_BEHIND = 45_000;
const RETRY = { base: 5_000, cap: 300_000 };
const DEADLINE = 20_000;

/** @param {HTMLElement} main */
export function startGoals(main) {
  /** @type {number | null} */
  let revision = null;
  /** Whether the page is older than the last event. */
  let isStale = main.querySelector(".is-pending") !== null;
  let hasStream = false;
  /** How the last token said that pages hear of news. @type {import("./types.js").Mode | null} */
  let mode = null;
  let failures = 0;
  let ended = false;
  const looking = createTimer(browserClock, () => void look());
  const opening = createTimer(browserClock, () => void open());

  function pause() {
    if (document.hidden) return EVERY_HIDDEN;
    return hasStream ? EVERY_BEHIND : EVERY;
  }

  async function look() {
    const reply = await request(revision === null ? "/user/fetch" : `/user/fetch?since=${revision}`);
    if (reply.kind === "refused" && reply.status === 401) return end();
    if (reply.kind === "ok") {
      const { revision: top, mode: said } = /** @type {import("./types.js").UserPage} */ (reply.body);
      if (said && mode && said !== mode && !hasStream) opening.set(0);
      isStale ||= revision !== null && top !== revision;
      revision = top;
    }
    if (isStale && !isInUse()) isStale = !(await renew());
    if (!ended) looking.set(isStale ? EVERY : pause());
  }

  /** A menu that is open, or a choice half made, must not vanish under the hand. */
  function isInUse() {
    return main.querySelector("details[open]") !== null || main.contains(document.activeElement?.closest("form") ?? null);
  }

  /** @returns {Promise<boolean>} whether the page is now as the server has it */
  async function renew() {
    try {
      const response = await fetch(location.href, { headers: { accept: "text/html" }, signal: AbortSignal.timeout(DEADLINE) });
      const fresh = response.ok && !response.redirected ? parsePage(await response.text()).getElementById("main") : null;
      if (fresh && fresh.innerHTML !== main.innerHTML) main.replaceChildren(...fresh.childNodes);
      return fresh !== null;
    } catch {
      return false;
    }
  }

  async function open() {
    const answer = await askToken();
    if (ended) return;
    if (answer.kind === "signed-out") return end();
    if (answer.kind === "failed") return openLater();
    const { token } = answer;
    mode = token.mode;
    if (!token.hub_url || !token.websocket) return;
    const own = { ...token, topics: token.topics.filter((topic) => /(^|\/)user\/\d+$/.test(topic)) };
    webSocket(own)({
      open() {
        hasStream = true;
        failures = 0;
        looking.set(0);
      },
      frame: ({ type }) => type === "user" && looking.set(0),
      close() {
        hasStream = false;
        looking.set(0);
        openLater();
      },
    });
  }

  function openLater() {
    opening.set(backoff(failures, RETRY, Math.random));
    failures += 1;
  }

  function end() {
    ended = true;
    looking.cancel();
    opening.cancel();
  }

  document.addEventListener("visibilitychange", () => !document.hidden && !ended && looking.set(0));
  looking.set(0);
  opening.set(0);
}
