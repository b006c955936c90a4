/** Pages in Chromium, and what their event streams hear. */
import { launch } from "../../browser/support/town.js";
import { becomes } from "../../browser/support/until.js";

/** @import { Page } from "playwright-core" */
/** @import { Site } from "./site.js" */

/** @typedef {{ id: string, type: string, data: string }} Heard */
/** @typedef {{ opened: number, failed: boolean, heard: Heard[] }} State */

/**
 * A page of the site, in a browser of its own.
 * @param {import("node:test").TestContext} test
 * @param {Pick<Site, "origin">} site
 * @param {import("playwright-core").BrowserContextOptions} [options]
 */
export async function openPage(test, site, options) {
  const context = await (await launch()).newContext(options);
  test.after(() => context.close());
  const page = await context.newPage();
  await page.goto(`${site.origin}/`);
  return page;
}

/**
 * What a kind of client hears in a page. `open` runs there: it gets the address, what else it was given, and a recorder whose fields it fills in.
 * @param {Page} page
 * @param {(url: string, options: any, state: State) => void | Promise<void>} open
 * @param {string} url
 * @param {object} [options]
 */
async function record(page, open, url, options = {}) {
  const handle = await page.evaluateHandle(([source, url, options]) => {
    const state = { opened: 0, failed: false, heard: [] };
    const run = new Function(`return (${source})`)();
    void Promise.resolve(run(url, options, state)).catch(() => (state.failed = true));
    return state;
  }, /** @type {const} */ ([open.toString(), url, options]));
  const read = () => /** @type {Promise<State>} */ (handle.jsonValue());
  const ended = async () => {
    const { opened, failed } = await read();
    return opened > 0 ? "opened" : failed ? "failed" : "waiting";
  };
  return {
    heard: async () => (await read()).heard,
    data: async () => (await read()).heard.map(({ data }) => data),
    opened: async () => (await read()).opened,
    isOpen: () => becomes(ended, "opened"),
    isRefused: () => becomes(ended, "failed"),
  };
}

/** The browser's own EventSource. `types`: the names of events besides `message`. @param {Page} page @param {string} url @param {{ withCredentials?: boolean, types?: string[] }} [options] */
export const eventSource = (page, url, options) => record(page, (url, { withCredentials = false, types = [] }, state) => {
  const source = new EventSource(url, { withCredentials });
  const keep = (/** @type {MessageEvent} */ { lastEventId: id, type, data }) => state.heard.push({ id, type, data });
  for (const type of ["message", ...types]) source.addEventListener(type, keep);
  source.onopen = () => (state.opened += 1);
  source.onerror = () => (state.failed ||= source.readyState === EventSource.CLOSED);
}, url, options);

/** Microsoft's fetch-event-source. @param {Page} page @param {string} url @param {{ headers: Record<string, string> }} options */
export const fetchEventSource = (page, url, options) => record(page, async (url, { headers }, state) => {
  const name = "@microsoft/fetch-event-source";
  const { fetchEventSource } = await import(name);
  await fetchEventSource(url, {
    headers,
    openWhenHidden: true,
    onopen: async (/** @type {Response} */ { ok }) => {
      if (!ok) state.failed = true;
      else state.opened += 1;
    },
    onmessage: (/** @type {{ id: string, event: string, data: string }} */ { id, event, data }) => state.heard.push({ id, type: event || "message", data }),
  });
}, url, options);

/** Yaffle's polyfill. @param {Page} page @param {string} url @param {{ headers: Record<string, string>, lastEventIdQueryParameterName: string }} options */
export const polyfill = (page, url, options) => record(page, async (url, options, state) => {
  const name = "/npm/event-source-polyfill/src/eventsource.js";
  await import(name);
  const source = new /** @type {any} */ (globalThis).EventSourcePolyfill(url, options);
  source.onmessage = (/** @type {MessageEvent} */ { lastEventId: id, type, data }) => state.heard.push({ id, type, data });
  source.onopen = () => (state.opened += 1);
  source.onerror = () => (state.failed ||= source.readyState === 2);
}, url, options);
