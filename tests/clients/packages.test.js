import assert from "node:assert/strict";
import { test } from "node:test";
import { EventSource } from "eventsource";
import { becomes } from "../browser/support/until.js";
import { publishThroughCuts } from "./support/cuts.js";
import { startHub, subscribeUrl } from "./support/hub.js";
import { fetchEventSource, openPage, polyfill } from "./support/pages.js";
import { startSite } from "./support/site.js";
import { accessToken, legacyToken } from "./support/tokens.js";

/** @import { TestContext } from "node:test" */
/** @import { Hub } from "./support/hub.js" */
/** @import { Heard } from "./support/pages.js" */

const BOOK = "https://example.com/books/1";

/** Headers with a token of each generation. @param {Hub} hub */
const bearers = (hub) => [
  legacyToken({ subscribe: ["https://example.com/books/{id}"] }),
  accessToken([hub.url, hub.fragile], [{ actions: ["subscribe"], topics: [{ match: "https://example.com/books/:id", match_type: "urlpattern" }] }]),
].map((token) => ({ Authorization: `Bearer ${token}` }));

/** The package `eventsource`, which lets Node's own fetch carry the token. @param {TestContext} t @param {string} url @param {Record<string, string>} headers */
function connect(t, url, headers) {
  const source = new EventSource(url, { fetch: (address, init) => fetch(address, { ...init, headers: { ...init.headers, ...headers } }) });
  t.after(() => source.close());
  return source;
}

/** @param {TestContext} t @param {string} url @param {Record<string, string>} headers */
function listen(t, url, headers) {
  const source = connect(t, url, headers);
  /** @type {Heard[]} */
  const heard = [];
  for (const name of ["message", "price"]) source.addEventListener(name, ({ lastEventId: id, type, data }) => heard.push({ id, type, data }));
  let opened = 0;
  source.onopen = () => (opened += 1);
  return { heard: () => heard, data: () => heard.map(({ data }) => data), opened: () => opened, isOpen: () => becomes(() => opened, 1) };
}

test("eventsource: private updates come to a Bearer token of either generation, through any cuts", async (t) => {
  const hub = await startHub(t);
  for (const headers of bearers(hub)) {
    const stream = listen(t, subscribeUrl(hub.fragile, BOOK), headers);
    await stream.isOpen();
    const id = await hub.publish({ topic: BOOK, data: "1\n2\n", type: "price", private: true });
    await becomes(stream.heard, [{ id, type: "price", data: "1\n2\n" }]);

    const fragile = listen(t, subscribeUrl(hub.fragile, "https://example.com/books/:id", "match_urlpattern"), headers);
    await fragile.isOpen();
    await publishThroughCuts(hub, { topic: BOOK, private: true }, fragile.data);
    assert.ok(fragile.opened() > 2);
  }
});

test("eventsource: a token that is not valid, or none, is told so and not tried again", async (t) => {
  const hub = await startHub(t);
  for (const token of ["", `${legacyToken({ subscribe: ["*"] })}x`]) {
    const source = connect(t, subscribeUrl(hub.url, BOOK), token ? { Authorization: `Bearer ${token}` } : {});
    const { code } = await new Promise((resolve) => source.addEventListener("error", resolve));
    assert.equal(code, 401);
    assert.equal(source.readyState, EventSource.CLOSED);
  }
});

/** A page, and a hub that lets it in. @param {TestContext} t */
async function startPage(t) {
  const site = await startSite(t);
  const hub = await startHub(t, { directives: [`cors_origins ${site.origin}`] });
  return { hub, page: await openPage(t, site) };
}

test("fetch-event-source: private updates come to a Bearer token, no comment passes for a message, no cut loses or repeats", async (t) => {
  const { hub, page } = await startPage(t);
  const [headers] = bearers(hub);
  const stream = await fetchEventSource(page, subscribeUrl(hub.fragile, BOOK), { headers });
  await stream.isOpen();
  await publishThroughCuts(hub, { topic: BOOK, private: true }, stream.data);
});

test("event-source-polyfill: private updates come to a Bearer token, no cut loses or repeats, whatever it calls the last id", async (t) => {
  const { hub, page } = await startPage(t);
  const [headers] = bearers(hub);
  for (const lastEventIdQueryParameterName of ["Last-Event-ID", "lastEventID", "last_event_id"]) {
    const stream = await polyfill(page, subscribeUrl(hub.fragile, BOOK), { headers, lastEventIdQueryParameterName });
    await stream.isOpen();
    await publishThroughCuts(hub, { topic: BOOK, private: true }, stream.data);
  }
});
