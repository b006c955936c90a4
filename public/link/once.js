/**
 * One request at a time: who asks while one is under way gets one more after it, however many ask.
 *
 * @param {() => Promise<void>} run
 * @returns {() => Promise<void>}
 */
export function oneAtATime(run) {
  /** @type {Promise<void> | null} */
  let running = null;
  let again = false;

  async function turns() {
    do {
      again = false;
      await run();
    } while (again);
  }

  return () => {
    again = running !== null;
    running ??= turns().finally(() => (running = null));
    return running;
  };
}
