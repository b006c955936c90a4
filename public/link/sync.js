/**
 * The one fetcher of a room: one request at a time, page after page, until the list stands at the server's top.
 *
 * @import { Page, PageRequest } from "../types.js"
 */

/**
 * What became of a request. "gone": this person may not read the room any more (or it is no more).
 * @typedef {{ kind: "page", page: Page, etag: string | null }
 *   | { kind: "same" } | { kind: "gone" } | { kind: "signed-out" }
 *   | { kind: "failed", after: number | null }} Answer
 *
 * @typedef {{ epoch: string, since: number, doubts: number }} SinceRequest
 * @typedef {{ kind: "reached", news: boolean } | Exclude<Answer, { kind: "page" | "same" }> | { kind: "aborted" }} Outcome
 */

/** A server that keeps answering "start over" must not be asked without end. */
const MOST_ROUNDS = 500;

/**
 * @param {{
 *   cursor(): SinceRequest,
 *   fetchPage(request: SinceRequest, options: { wait: number, etag: string | null, signal: AbortSignal }): Promise<Answer>,
 *   deliver(page: Page, request: PageRequest): { fetch: null | "soon" | "now" }
 * }} deps
 */
export function createSync({ cursor, fetchPage, deliver }) {
  /** @type {Promise<Outcome> | null} */
  let running = null;
  let waiting = false;
  let again = false;
  /** @type {AbortController | null} */
  let controller = null;
  /** @type {{ etag: string, epoch: string, revision: number } | null} */
  let last = null;

  /** @param {number} wait @returns {Promise<Outcome>} */
  async function run(wait) {
    let news = false;
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      again = false;
      const request = cursor();
      controller = new AbortController();
      const { signal } = controller;
      waiting = wait > 0 && round === 0;
      const etag = last && last.epoch === request.epoch && last.revision <= request.since ? last.etag : null;
      const answer = await fetchPage(request, { wait: waiting ? wait : 0, etag, signal });
      if (signal.aborted) return { kind: "aborted" };
      waiting = false;
      if (answer.kind !== "page" && answer.kind !== "same") return answer;
      if (answer.kind === "page") {
        news ||= answer.page.count > 0 || answer.page.reset === true;
        if (follow(answer, request)) continue;
      }
      if (!again) break;
    }
    return { kind: "reached", news };
  }

  /**
   * @param {Extract<Answer, { kind: "page" }>} answer
   * @param {SinceRequest} request
   * @returns {boolean} whether the next page has to be asked for
   */
  function follow({ page, etag }, request) {
    const { fetch } = deliver(page, request);
    // The tag of a page that is not the last one speaks of revisions that were not read yet.
    const complete = !page.has_more && fetch === null;
    last = complete && etag ? { etag, epoch: page.epoch, revision: page.revision } : null;
    return page.has_more || fetch === "now";
  }

  /** @param {number} wait @returns {Promise<Outcome>} */
  function launch(wait) {
    const mine = run(wait)
      .catch((error) => {
        console.error(error);
        return { kind: /** @type {const} */ ("failed"), after: null };
      })
      .finally(() => {
        if (running === mine) running = null;
      });
    running = mine;
    return mine;
  }

  function abort() {
    controller?.abort();
    waiting = false;
    running = null;
  }

  return {
    abort,
    /**
     * Catches up now. A request that is merely waiting for news is given up for this one.
     * @returns {Promise<Outcome>}
     */
    now() {
      if (running && waiting) abort();
      if (!running) return launch(0);
      again = true;
      return running;
    },
    /**
     * Asks once and lets the server hold the answer until there is something.
     * @param {number} seconds
     * @returns {Promise<Outcome>}
     */
    wait(seconds) {
      return running ?? launch(seconds);
    },
  };
}

/** @typedef {ReturnType<typeof createSync>} Sync */
