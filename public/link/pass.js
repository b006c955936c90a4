/**
 * The token that opens the streams: asked for when it is needed, renewed before it ends, and the bearer of the
 * server's choice of transport.
 *
 * @import { Mode, Token } from "../types.js"
 * @import { Clock } from "./backoff.js"
 */
import { createTimer } from "./backoff.js";

/**
 * @typedef {{ kind: "token", token: Token } | { kind: "signed-out" } | { kind: "failed" }} TokenAnswer
 * @typedef {"websocket" | "sse" | "longpoll" | "poll"} Rung
 */

/** A change of mode reaches the page within this time, also where the token lives longer. */
const CHECK = 600_000;
const CHECK_PULLING = 60_000;
const LONGEST_MARGIN = 60_000;

/** @param {Mode} mode @param {boolean} websocket @returns {Rung[]} */
export function rungsOf(mode, websocket) {
  /** @type {Rung[]} */
  const push = websocket ? ["websocket", "sse"] : ["sse"];
  if (mode === "polling") return ["poll"];
  return mode === "mercure" ? push : [...push, "longpoll", "poll"];
}

/** @param {Rung} rung @returns {rung is "websocket" | "sse"} */
export function pushes(rung) {
  return rung === "websocket" || rung === "sse";
}

/**
 * @param {{ clock: Clock, random(): number, askToken(): Promise<TokenAnswer>, onDue(): void }} deps
 */
export function createPass({ clock, random, askToken, onDue }) {
  /** @type {Token | null} */
  let token = null;
  const due = createTimer(clock, onDue);

  async function renew() {
    const answer = await askToken();
    if (answer.kind === "token") token = answer.token;
    return answer.kind;
  }

  return {
    renew,
    token: () => token,
    stop: due.cancel,
    /** @returns {Promise<"token" | "signed-out" | "failed">} */
    async ensure() {
      return token && endOf(token) - clock.now() > 5_000 ? "token" : renew();
    },
    /** The server ended a stream of this token early: its next answer may be another. */
    doubt() {
      token = null;
    },
    /**
     * @param {{ pushing: boolean, streamExpires: number }} now the end of the token that the open stream was opened with
     */
    schedule({ pushing, streamExpires }) {
      const left = streamExpires - clock.now();
      const early = left - marginOf(left);
      due.set(Math.max(1_000, Math.min(early, pushing ? CHECK : CHECK_PULLING)) * (0.9 + random() * 0.1));
    },
    /** @param {number} streamExpires */
    isEnding(streamExpires) {
      const left = streamExpires - clock.now();
      return left <= LONGEST_MARGIN * 1.1 || left <= CHECK * 0.1;
    },
  };
}

/** @param {Token} token */
export function endOf({ expires_at }) {
  return expires_at === null ? Infinity : Date.parse(expires_at);
}

/** @param {number} left */
function marginOf(left) {
  return Math.min(LONGEST_MARGIN, Math.max(5_000, left * 0.2));
}
