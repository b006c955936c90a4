/**
 * Listening: one sound at a time, at one speed for all, each keeping its place. It knows voices by their keys and
 * touches no page, so a list that is drawn anew loses nothing.
 *
 * @typedef {{
 *   src: string, currentTime: number, duration: number, playbackRate: number, paused: boolean, ended: boolean,
 *   play(): Promise<void>, pause(): void, addEventListener(type: string, heard: () => void): void
 * }} Sound what is used of an audio element
 *
 * @typedef {{ playing: boolean, at: number, waiting: boolean, failed: boolean }} Listening `at` in seconds
 */

export const SPEEDS = [1, 1.5, 2];
/** Seconds that an arrow key moves. */
export const STEP = 5;

/**
 * @param {{ sound: Sound, onChange(key: string): void, onSpeed(speed: number): void, speed?: number }} options
 */
export function createPlayback({ sound, onChange, onSpeed, speed = 1 }) {
  /** Where each was left, in seconds. @type {Map<string, number>} */
  const places = new Map();
  /** @type {Set<string>} */
  const failed = new Set();
  /** @type {{ key: string, src: string, duration: number } | null} */
  let current = null;
  /** The element forgets where it should begin when it loads: it is told again once it knows the sound. */
  let startAt = 0;
  let known = false;
  let waiting = false;

  const changed = () => current && onChange(current.key);

  sound.addEventListener("loadedmetadata", () => {
    known = true;
    sound.playbackRate = speed;
    if (startAt > 0) sound.currentTime = startAt;
  });
  sound.addEventListener("timeupdate", () => {
    if (!current || !known || sound.ended) return;
    places.set(current.key, sound.currentTime);
    changed();
  });
  sound.addEventListener("ended", () => {
    if (!current) return;
    places.delete(current.key);
    startAt = 0;
    changed();
  });
  for (const type of ["play", "pause"]) sound.addEventListener(type, changed);
  sound.addEventListener("waiting", () => tellWaiting(true));
  sound.addEventListener("playing", () => tellWaiting(false));
  sound.addEventListener("error", () => {
    if (!current) return;
    failed.add(current.key);
    tellWaiting(false);
    changed();
  });

  /** @param {boolean} now */
  function tellWaiting(now) {
    if (waiting === now) return;
    waiting = now;
    changed();
  }

  /** @param {string} key @param {string} src @param {number} duration seconds */
  function load(key, src, duration) {
    if (current?.key === key && !failed.has(key)) return;
    const before = current;
    if (before) sound.pause();
    current = { key, src, duration };
    failed.delete(key);
    known = false;
    waiting = false;
    startAt = places.get(key) ?? 0;
    sound.src = src;
    if (before) onChange(before.key);
  }

  async function play() {
    if (!current) return;
    const { key } = current;
    try {
      sound.playbackRate = speed;
      await sound.play();
    } catch (error) {
      // Another sound took its place, or it was paused at once: that is no fault of this one.
      if (error instanceof Error && error.name === "AbortError") return;
      failed.add(key);
      onChange(key);
    }
  }

  return {
    /** @param {string} key @returns {Listening} */
    of(key) {
      const mine = current?.key === key;
      return {
        playing: mine && !sound.paused && !sound.ended,
        at: places.get(key) ?? 0,
        waiting: mine && waiting,
        failed: failed.has(key),
      };
    },
    speed: () => speed,
    /** @param {string} key @param {string} src @param {number} duration seconds */
    async toggle(key, src, duration) {
      if (current?.key === key && !sound.paused && !sound.ended) return sound.pause();
      load(key, src, duration);
      await play();
    },
    /** Moves to a place, whether it plays or not. @param {string} key @param {number} at seconds */
    seek(key, at) {
      const place = Math.max(0, at);
      places.set(key, place);
      failed.delete(key);
      if (current?.key === key) {
        startAt = place;
        if (known) sound.currentTime = place;
      }
      onChange(key);
    },
    /** The next speed, for this and all others. */
    faster() {
      speed = SPEEDS[(SPEEDS.indexOf(speed) + 1) % SPEEDS.length];
      sound.playbackRate = speed;
      onSpeed(speed);
    },
    /** Silence, when another sound begins on the page. */
    pause() {
      if (current) sound.pause();
    },
    /** A sound that will not be heard again. @param {string} key */
    forget(key) {
      if (current?.key === key) {
        sound.pause();
        current = null;
      }
      places.delete(key);
      failed.delete(key);
    },
  };
}

/** @typedef {ReturnType<typeof createPlayback>} Playback */
