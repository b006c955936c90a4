/**
 * Where the reader is: at the bottom, where the list follows what comes, or up in the history, where nothing moves.
 */

const BOTTOM_SLACK = 48;

/**
 * @param {HTMLElement} scroller
 * @param {HTMLElement} list
 * @param {() => void} onMove
 */
export function createScroll(scroller, list, onMove) {
  let following = true;
  // The browser's own anchoring would add to ours.
  scroller.style.setProperty("overflow-anchor", "none");

  const distance = () => scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop;

  function toBottom() {
    scroller.scrollTop = scroller.scrollHeight;
    following = true;
  }

  scroller.addEventListener("scroll", () => {
    following = distance() <= BOTTOM_SLACK;
    onMove();
  }, { passive: true });

  // Pictures that load, a keyboard that opens, a composer that grows.
  const watch = new ResizeObserver(() => {
    if (following) toBottom();
  });
  watch.observe(scroller);
  watch.observe(list);

  /** The first message that the reader sees; days and other marks move from line to line. */
  function anchor() {
    const top = scroller.getBoundingClientRect().top;
    for (const line of list.querySelectorAll(".entry")) {
      const box = wordsOf(line);
      if (box.bottom > top) return { line, top: box.top };
    }
    return null;
  }

  /** What is read of a line: its head comes and goes with the line above. @param {Element} line */
  function wordsOf(line) {
    return (line.querySelector(".message-body") ?? line).getBoundingClientRect();
  }

  return {
    toBottom,
    /** Where the reader is in the history, for the next visit; nothing at the bottom. */
    place() {
      const held = following ? null : anchor();
      return held ? { id: Number(held.line.getAttribute("data-entry")), top: held.top - scroller.getBoundingClientRect().top } : null;
    },
    /** @param {Element} line @param {number} top */
    putAt(line, top) {
      following = false;
      scroller.scrollTop += line.getBoundingClientRect().top - scroller.getBoundingClientRect().top - top;
    },
    isFollowing: () => following,
    /** Changes the list without moving what is being read. @param {() => void} change */
    steady(change) {
      const held = following ? null : anchor();
      change();
      if (following) toBottom();
      else if (held?.line.isConnected) scroller.scrollTop += wordsOf(held.line).top - held.top;
    },
    /** @param {Element} line */
    to(line) {
      following = false;
      const [place, view] = [line.getBoundingClientRect(), scroller.getBoundingClientRect()];
      // Not scrollIntoView(): Tab would go on from there, past the link that skips the list (Chromium 148).
      scroller.scrollTop += place.top - view.top - (view.height - place.height) / 2;
    },
  };
}

/** @typedef {ReturnType<typeof createScroll>} Scroll */

/** @param {string} path @param {{ id: number, top: number } | null} place */
export function keepPlace(path, place) {
  try {
    if (place) sessionStorage.setItem(`palabre:place:${path}`, JSON.stringify(place));
    else sessionStorage.removeItem(`palabre:place:${path}`);
  } catch {
    // Without storage a reload leads to the end of the list.
  }
}

/**
 * The place that a reload or a step back returns to; a new visit begins at its own.
 * @param {string} path
 * @returns {{ id: number, top: number } | null}
 */
export function recallPlace(path) {
  const [visit] = performance.getEntriesByType("navigation");
  const type = visit instanceof PerformanceNavigationTiming ? visit.type : "navigate";
  if (type !== "reload" && type !== "back_forward") return null;
  try {
    return JSON.parse(sessionStorage.getItem(`palabre:place:${path}`) ?? "null");
  } catch {
    return null;
  }
}
