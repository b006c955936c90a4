/**
 * The two rungs that ask: the long poll, and the poll every two seconds. Hidden tabs ask less often.
 *
 * @import { Clock } from "./backoff.js"
 * @import { Outcome, Sync } from "./sync.js"
 */
import { backoff, createTimer } from "./backoff.js";

const LONG_POLL_SECONDS = 25;
const EVERY = 2_000;
const EVERY_HIDDEN = 15_000;
const LONG_POLL_PAUSE_HIDDEN = 5_000;
export const RETRY = { base: 1_000, cap: 30_000 };

/**
 * @param {{
 *   clock: Clock, random(): number, sync: Sync, hidden(): boolean, rung: "longpoll" | "poll",
 *   onRound(): void, onOutcome(outcome: Outcome): void, onUnfit(): void
 * }} options `onUnfit`: the long poll fails again and again, which a short poll may survive
 */
export function createPull({ clock, random, sync, hidden, rung, onRound, onOutcome, onUnfit }) {
  let stopped = false;
  let failures = 0;
  /** Waiting requests that failed although plain ones did not. */
  let cutWaits = 0;
  /** The first request and the one after a failure must tell soon whether the server is there. */
  let plain = true;
  const timer = createTimer(clock, () => void round());

  async function round() {
    if (stopped) return;
    onRound();
    const asked = clock.now();
    const waits = rung === "longpoll" && !plain;
    const outcome = await (waits ? sync.wait(LONG_POLL_SECONDS) : sync.now());
    if (stopped) return;
    plain = outcome.kind === "failed";
    if (outcome.kind === "failed" && waits) {
      // Was it the wait that something on the way does not bear, or is the server gone? A plain request tells.
      cutWaits += 1;
      return cutWaits >= 2 ? onUnfit() : timer.set(Math.max(outcome.after ?? 0, backoff(0, RETRY, random)));
    }
    failures = outcome.kind === "failed" ? failures + 1 : 0;
    if (failures > 0 || (waits && outcome.kind === "reached")) cutWaits = 0;
    onOutcome(outcome);
    if (!stopped) timer.set(pause(outcome, waits ? clock.now() - asked : Infinity));
  }

  /** @param {Outcome} outcome @param {number} held how long the server kept a waiting request */
  function pause(outcome, held) {
    if (outcome.kind === "failed") return Math.max(outcome.after ?? 0, backoff(failures - 1, RETRY, random));
    if (outcome.kind === "aborted") return 0;
    // An empty answer that came at once: somebody on the way does not let requests wait, and asking on would be a storm.
    const waited = outcome.kind === "reached" && (outcome.news || held > 1_000);
    if (rung === "longpoll" && waited) return hidden() ? LONG_POLL_PAUSE_HIDDEN : 0;
    return (hidden() ? EVERY_HIDDEN : EVERY) * (0.9 + random() * 0.2);
  }

  return {
    start: () => timer.set(0),
    stop() {
      stopped = true;
      timer.cancel();
    },
    /** Asks now instead of at the end of the pause. */
    wake() {
      if (timer.isSet()) timer.set(0);
      else sync.abort();
    },
  };
}

/** @typedef {ReturnType<typeof createPull>} Pull */
