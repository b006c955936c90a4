/** A clock that stands still until a test moves it. */
import { setImmediate } from "node:timers";

/** Lets every promise that can go on do so. */
export async function settle() {
  for (let i = 0; i < 3; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

export function fakeClock(start = Date.UTC(2026, 10, 22, 12)) {
  let now = start;
  let nextId = 1;
  const timers = new Map();
  return {
    now: () => now,
    setTimeout(run, ms) {
      const id = nextId;
      nextId += 1;
      timers.set(id, { at: now + ms, run });
      return id;
    },
    clearTimeout: (id) => timers.delete(id),
    pending: () => timers.size,
    /** Moves on, timer by timer, and lets what they started settle before the next. */
    async advance(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        const due = [...timers].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at || a[0] - b[0])[0];
        if (!due) break;
        timers.delete(due[0]);
        now = Math.max(now, due[1].at);
        due[1].run();
        await settle();
      }
      now = end;
    },
    /** The machine sleeps: time passes and no timer runs. */
    sleep(ms) {
      now += ms;
      for (const timer of timers.values()) timer.at = Math.max(timer.at, now);
    },
  };
}
