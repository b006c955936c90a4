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
  const timer = createTimer(clock, () => void round());

  async function round() {
    if (stopped) return;
    onRound();
    const asked = clock.now();
    const outcome = await (rung === "longpoll" ? sync.wait(LONG_POLL_SECONDS) : sync.now());
    if (stopped) return;
    failures = outcome.kind === "failed" ? failures + 1 : 0;
    onOutcome(outcome);
    if (stopped) return;
    if (outcome.kind === "failed" && rung === "longpoll" && failures >= 2) return onUnfit();
    timer.set(pause(outcome, clock.now() - asked));
  }

  /** @param {Outcome} outcome @param {number} took */
  function pause(outcome, took) {
    if (outcome.kind === "failed") return Math.max(outcome.after ?? 0, backoff(failures - 1, RETRY, random));
    if (outcome.kind === "aborted") return 0;
    // An empty answer that came at once: somebody on the way does not let requests wait.
    const held = rung === "longpoll" && outcome.kind === "reached" && (outcome.news || took > 1_000);
    if (held) return hidden() ? LONG_POLL_PAUSE_HIDDEN : 0;
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
