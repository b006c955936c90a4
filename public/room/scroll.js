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
      line.scrollIntoView({ block: "center" });
    },
  };
}

/** @typedef {ReturnType<typeof createScroll>} Scroll */
