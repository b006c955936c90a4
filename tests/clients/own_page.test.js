/** The page at `/` of the hub, in its normal mode: what somebody tries from its console, and a conformance suite that opens its streams there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { becomes } from "../browser/support/until.js";
import { HUB_PATH, startHub, subscribeUrl } from "./support/hub.js";
import { openPage } from "./support/pages.js";
import { accessToken, legacyToken } from "./support/tokens.js";

/** @import { Page } from "playwright-core" */

const BOOK = "https://example.com/books/1";

/** A page of the hub's own, whose policy holds. @param {import("node:test").TestContext} t @param {string[]} directives */
async function start(t, directives) {
  const hub = await startHub(t, { directives });
  const page = await openPage(t, new URL(hub.url));
  assert.equal(new URL(page.url()).pathname, "/");
  return { hub, page };
}

/** Opens an EventSource and answers what reads its events. @param {Page} page @param {string} url @param {boolean} [withCredentials] */
async function eventSource(page, url, withCredentials = false) {
  const handle = await page.evaluateHandle(([url, withCredentials]) => {
    /** @type {{ opened: boolean, data: string[], last: string }} */
    const state = { opened: false, data: [], last: "" };
    const source = new EventSource(url, { withCredentials });
    source.onopen = () => (state.opened = true);
    source.onmessage = ({ data, lastEventId }) => {
      state.data.push(data);
      state.last = lastEventId;
    };
    return state;
  }, /** @type {const} */ ([url, withCredentials]));
  await becomes(async () => (await handle.jsonValue()).opened, true);
  return { data: async () => (await handle.jsonValue()).data, last: async () => (await handle.jsonValue()).last };
}

/** Publishes from the page. @param {Page} page @param {string} url @param {Record<string, string>} form @param {Record<string, string>} [headers] */
const publish = (page, url, form, headers = {}) => page.evaluate(async ([url, form, headers]) => {
  const answer = await fetch(url, { method: "POST", headers, body: new URLSearchParams(form) });
  return answer.status;
}, /** @type {const} */ ([url, form, headers]));

/** Reads a stream with fetch until it has so many lines of data. @param {Page} page @param {string} url @param {Record<string, string>} headers @param {number} lines */
const read = (page, url, headers, lines) => page.evaluate(async ([url, headers, lines]) => {
  const answer = await fetch(url, { headers });
  const reader = answer.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  const data = () => [...text.matchAll(/^data: (.*)$/gm)].map(([, line]) => line);
  while (answer.ok && data().length < lines) {
    const part = await reader?.read();
    if (!part || part.done) break;
    text += decoder.decode(part.value, { stream: true });
  }
  await reader?.cancel();
  return { status: answer.status, data: data() };
}, /** @type {const} */ ([url, headers, lines]));

test("finding 1: EventSource and fetch of the hub's own page subscribe, publish and resume", async (t) => {
  const { hub, page } = await start(t, ["anonymous"]);
  const stream = await eventSource(page, subscribeUrl(hub.url, BOOK));
  const token = { Authorization: `Bearer ${legacyToken({ publish: ["*"] })}` };
  for (const data of ["1", "2", "3"]) assert.equal(await publish(page, hub.url, { topic: BOOK, data, id: `urn:${data}` }, token), 200);
  await becomes(stream.data, ["1", "2", "3"]);
  assert.equal(await stream.last(), "urn:3");
  assert.deepEqual(await read(page, subscribeUrl(hub.url, BOOK), { "Last-Event-ID": "urn:1" }, 2), { status: 200, data: ["2", "3"] });
  const resumed = await eventSource(page, `${subscribeUrl(hub.url, BOOK)}&lastEventID=urn:2`);
  await becomes(resumed.data, ["3"]);
  assert.equal(await publish(page, hub.url, { topic: BOOK, data: "nobody's" }), 401);
});

test("finding 1: private updates come to the hub's own page by cookie and by header, in both generations", async (t) => {
  const port = ["publish_origins *"];
  const { hub, page } = await start(t, port);
  const tokens = {
    mercureAuthorization: legacyToken({ subscribe: [BOOK], publish: [BOOK] }),
    "__Secure-mercure_access_token": accessToken([hub.url], [{ actions: ["subscribe", "publish"], topics: [BOOK] }]),
  };
  for (const [name, token] of Object.entries(tokens)) {
    const headers = { Authorization: `Bearer ${token}` };
    assert.deepEqual(await read(page, subscribeUrl(hub.url, BOOK), {}, 1), { status: 401, data: [] });
    const before = await hub.publish({ topic: BOOK, data: "before", private: true });
    await hub.publish({ topic: BOOK, data: "by header", private: true });
    assert.deepEqual(await read(page, subscribeUrl(hub.url, BOOK), { ...headers, "Last-Event-ID": before }, 1), { status: 200, data: ["by header"] });
    // A cookie whose name begins with `__Secure-` needs TLS.
    if (name.startsWith("__Secure-")) continue;
    await page.context().addCookies([{ name, value: token, url: `${new URL(hub.url).origin}${HUB_PATH}`, httpOnly: true, sameSite: "Strict" }]);
    const stream = await eventSource(page, subscribeUrl(hub.url, BOOK), true);
    assert.equal(await publish(page, hub.url, { topic: BOOK, data: "by cookie", private: "on" }), 200);
    await becomes(stream.data, ["by cookie"]);
    await page.context().clearCookies();
  }
});
