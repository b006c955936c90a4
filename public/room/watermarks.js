/**
 * How far each of the others has read: a watermark a person. What a message's ticks say is counted from these alone, so a
 * room of a thousand costs its pages two searches a message and no request.
 */

/**
 * `from`: what stands up to there was said before the person came.
 * @typedef {{ user: number, position: number | null, from?: number, at?: string }} MarkNews
 * @typedef {{ position: number, from: number, at: string | null }} Mark
 */

/** How many of the sorted numbers are at or above a bound. @param {number[]} sorted @param {number} bound */
function atLeast(sorted, bound) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < bound) low = middle + 1;
    else high = middle;
  }
  return sorted.length - low;
}

/** @param {number} viewer whose own mark says nothing */
export function createWatermarks(viewer) {
  /** @type {Map<number, Mark>} */
  const marks = new Map();
  /** @type {{ positions: number[], starts: number[] } | null} */
  let sorted = null;

  function order() {
    const all = [...marks.values()];
    const up = (/** @type {number} */ a, /** @type {number} */ b) => a - b;
    sorted ??= { positions: all.map(({ position, from }) => Math.max(position, from)).sort(up), starts: all.map(({ from }) => from).sort(up) };
    return sorted;
  }

  return {
    /** @param {MarkNews[]} news @returns {boolean} whether anything has changed */
    apply(news) {
      let changed = false;
      for (const { user, position, from = 0, at = null } of news) {
        if (user === viewer) continue;
        const known = marks.get(user);
        if (position === null) changed = marks.delete(user) || changed;
        else if (!known || known.position !== position || known.from !== from || known.at !== at) {
          marks.set(user, { position, from, at });
          changed = true;
        }
      }
      if (changed) sorted = null;
      return changed;
    },
    /** Somebody has left the room. @param {number} user */
    remove(user) {
      if (!marks.delete(user)) return false;
      sorted = null;
      return true;
    },
    clear() {
      marks.clear();
      sorted = null;
    },
    /** Of those who were there and share it, how many have seen the message at a position. @param {number} position */
    count(position) {
      const { positions, starts } = order();
      const later = atLeast(starts, position);
      return { seen: atLeast(positions, position) - later, total: marks.size - later };
    },
    /** The same by name. @param {number} position */
    who(position) {
      /** @type {number[]} */
      const seen = [];
      /** @type {number[]} */
      const missing = [];
      for (const [user, mark] of marks) {
        if (mark.from >= position) continue;
        (mark.position >= position ? seen : missing).push(user);
      }
      return { seen, missing };
    },
  };
}

/** @typedef {ReturnType<typeof createWatermarks>} Watermarks */
