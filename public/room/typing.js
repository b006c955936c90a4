/**
 * Typing: what this page says of its own person, and what it shows of the others.
 *
 * @import { Clock } from "../link/backoff.js"
 */
import { createTimer } from "../link/backoff.js";

/** While somebody types it is said again this often. */
export const SAY_EVERY = 3_000;
/** Who has not touched a key for so long does not type any more. */
export const IDLE = 5_000;
/** A mark that nobody renewed goes after this time: longer than two renewals may be apart. */
export const FORGET = 6_500;

/**
 * @param {{ clock: Clock, say(on: boolean): void }} options
 */
export function createTypist({ clock, say }) {
  let on = false;
  const again = createTimer(clock, () => {
    say(true);
    again.set(SAY_EVERY);
  });
  const idle = createTimer(clock, stop);

  function stop() {
    again.cancel();
    idle.cancel();
    if (!on) return;
    on = false;
    say(false);
  }

  return {
    stop,
    /** A key was pressed. @param {boolean} hasText */
    input(hasText) {
      if (!hasText) return stop();
      idle.set(IDLE);
      if (on) return;
      on = true;
      say(true);
      again.set(SAY_EVERY);
    },
  };
}

/**
 * @param {{ clock: Clock, viewer: number, onChange(users: number[]): void }} options
 */
export function createTypists({ clock, viewer, onChange }) {
  /** In the order in which they began. @type {Map<number, ReturnType<typeof createTimer>>} */
  const typists = new Map();

  /** @param {number} user */
  function forget(user) {
    typists.get(user)?.cancel();
    if (typists.delete(user)) onChange([...typists.keys()]);
  }

  /** @param {number} user @param {boolean} on */
  function heard(user, on) {
    if (user === viewer) return;
    if (!on) return forget(user);
    const known = typists.get(user);
    const timer = known ?? createTimer(clock, () => forget(user));
    timer.set(FORGET);
    if (known) return;
    typists.set(user, timer);
    onChange([...typists.keys()]);
  }

  return {
    heard,
    forget,
    /** All who type now, as a fetch tells it. @param {number[]} users */
    set(users) {
      for (const user of [...typists.keys()]) if (!users.includes(user)) forget(user);
      for (const user of users) heard(user, true);
    },
    users: () => [...typists.keys()],
  };
}
