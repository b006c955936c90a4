/**
 * How long to wait before trying again: longer each time, and never the same for two browsers,
 * so that a server that comes back is not met by all of them in the same second.
 */

/**
 * @param {number} attempt 0 for the first
 * @param {{ base: number, cap: number }} limits in milliseconds
 * @param {() => number} random
 */
export function backoff(attempt, { base, cap }, random) {
  const full = Math.min(cap, base * 2 ** Math.min(attempt, 16));
  return full * (0.5 + random() * 0.5);
}

/**
 * @typedef {{ now(): number, setTimeout(run: () => void, ms: number): unknown, clearTimeout(timer: unknown): void }} Clock
 */

/** @type {Clock} */
export const browserClock = {
  now: () => Date.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(/** @type {number} */ (timer)),
};

/**
 * A timer that holds at most one deadline.
 * @param {Clock} clock
 * @param {() => void} run
 */
export function createTimer(clock, run) {
  /** @type {unknown} */
  let timer;
  let set = false;
  const cancel = () => {
    if (set) clock.clearTimeout(timer);
    set = false;
  };
  return {
    cancel,
    isSet: () => set,
    /** @param {number} ms */
    set(ms) {
      cancel();
      set = true;
      timer = clock.setTimeout(() => {
        set = false;
        run();
      }, Math.max(0, ms));
    },
  };
}
