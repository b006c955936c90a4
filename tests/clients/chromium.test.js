import assert from "node:assert/strict";
import { test } from "node:test";
import { becomes, DEADLINE } from "../browser/support/until.js";
import { publishThroughCuts } from "./support/cuts.js";
import { HUB_PATH, startHub, subscribeUrl } from "./support/hub.js";
import { eventSource, openPage } from "./support/pages.js";
import { startSite } from "./support/site.js";
import { accessToken, legacyToken } from "./support/tokens.js";

/** @import { Page } from "playwright-core" */
/** @import { Hub } from "./support/hub.js" */

const BOOK = "https://example.com/books/1";

/** A site, and a hub that lets its pages in. @param {import("node:test").TestContext} t @param {string[]} [directives] */
async function start(t, directives = []) {
  const site = await startSite(t);
  const hub = await startHub(t, { directives: ["anonymous", `cors_origins ${site.origin}`, ...directives] });
  return { site, hub };
}

/** Tokens of both generations that grant the same. @param {Hub} hub @param {string} topic @returns {[string, string][]} */
const readers = (hub, topic) => [
  ["mercureAuthorization", legacyToken({ subscribe: [topic] })],
  ["__Secure-mercure_access_token", accessToken([hub.url, hub.fragile], [{ actions: ["subscribe"], topics: [topic] }])],
];

test("EventSource: public updates arrive with their id, their type and every line of their text", async (t) => {
  const { site, hub } = await start(t);
  const page = await openPage(t, site);
  const stream = await eventSource(page, subscribeUrl(hub.url, [BOOK, "https://example.com/{kind}/2"]), { types: ["price", "été"] });
  await stream.isOpen();

  /** @type {[sent: string, type: string][]} */
  const updates = [
    ["plain", ""],
    ["several\nlines\rof\r\ntext\n", ""],
    [" led by a space, with : colons and\n\nan empty line", ""],
    ["", ""],
    ["data: not a field\nid: nor this", "price"],
    ["日本語, ümläute, 👩‍🚀", "été"],
  ];
  const expected = [];
  for (const [data, type] of updates) {
    const id = await hub.publish({ topic: BOOK, data, ...(type && { type }) });
    expected.push({ id, type: type || "message", data: data.replace(/\r\n?/g, "\n") });
  }
  await hub.publish({ topic: "https://example.com/books/3", data: "another topic" });
  expected.push({ id: await hub.publish({ topic: ["https://example.com/books/3", BOOK], data: "an alternate topic", id: "urn:x:1" }), type: "message", data: "an alternate topic" });
  await hub.publish({ topic: BOOK, data: "private", private: true });
  expected.push({ id: await hub.publish({ topic: "https://example.com/books/2", data: "a template" }), type: "message", data: "a template" });
  await becomes(stream.heard, expected);
});

test("EventSource: private updates come to the cookie of either generation, and to nobody else", async (t) => {
  const { site, hub } = await start(t);
  for (const [name, token] of readers(hub, BOOK)) {
    site.hand(`${name}=${token}; Path=${HUB_PATH}; HttpOnly; SameSite=Strict${name.startsWith("__Secure-") ? "; Secure" : ""}`);
    const page = await openPage(t, site);
    const [own, other, bare] = [
      await eventSource(page, subscribeUrl(hub.url, BOOK), { withCredentials: true }),
      await eventSource(page, subscribeUrl(hub.url, "https://example.com/books/2"), { withCredentials: true }),
      await eventSource(page, subscribeUrl(hub.url, BOOK)),
    ];
    for (const stream of [own, other, bare]) await stream.isOpen();
    for (const topic of [BOOK, "https://example.com/books/2"]) await hub.publish({ topic, data: "private", private: true });
    for (const topic of [BOOK, "https://example.com/books/2"]) await hub.publish({ topic, data: "public" });
    await becomes(own.data, ["private", "public"]);
    await becomes(other.data, ["public"]);
    await becomes(bare.data, ["public"]);
  }
});

test("EventSource: a link cut again and again loses nothing and repeats nothing", async (t) => {
  const { site, hub } = await start(t);
  const [[name, token]] = readers(hub, BOOK);
  site.hand(`${name}=${token}; Path=${HUB_PATH}; HttpOnly; SameSite=Strict`);
  const stream = await eventSource(await openPage(t, site), subscribeUrl(hub.fragile, BOOK), { withCredentials: true });
  await stream.isOpen();
  await publishThroughCuts(hub, { topic: BOOK, private: true }, stream.data);
  assert.ok((await stream.opened()) > 2);
});

test("EventSource: the hub loses its power, and whoever comes back to it has everything once", async (t) => {
  const { site, hub } = await start(t, ["transport bolt {", "  path history/mercure.db", "}"]);
  const stream = await eventSource(await openPage(t, site), subscribeUrl(hub.fragile, BOOK));
  await stream.isOpen();
  const publish = async (/** @type {string[]} */ ...texts) => {
    for (const data of texts) await hub.publish({ topic: BOOK, data, retry: 50 });
  };
  await publish("1", "2");
  await becomes(stream.data, ["1", "2"]);
  hub.relay.refuse("sse");
  await publish("3", "4");
  await hub.restart();
  hub.relay.allow("sse");
  await becomes(stream.data, ["1", "2", "3", "4"]);
  await publish("5");
  await hub.restart();
  await publish("6");
  await becomes(stream.data, ["1", "2", "3", "4", "5", "6"]);
});

test("EventSource: the past begins where the query says, under each name that was ever in use", async (t) => {
  const { site, hub } = await start(t);
  const ids = [];
  for (const data of ["1", "2", "3"]) ids.push(await hub.publish({ topic: BOOK, data }));
  const page = await openPage(t, site);
  for (const name of ["last_event_id", "lastEventID", "Last-Event-ID"]) {
    for (const [from, expected] of [["earliest", ["1", "2", "3"]], [ids[1], ["3"]]]) {
      const url = new URL(subscribeUrl(hub.url, BOOK));
      url.searchParams.set(name, String(from));
      await becomes((await eventSource(page, url.href)).data, expected);
    }
  }
});

/**
 * Reads a stream as an application with `fetch` does, until it has so many lines of data.
 * @param {Page} page
 * @param {string} url
 * @param {Record<string, string>} headers
 * @param {number} lines
 */
const readWithFetch = (page, url, headers, lines) => page.evaluate(async ([url, headers, lines, deadline]) => {
  const stopping = new AbortController();
  const answer = await fetch(url, { headers, signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(deadline)]) });
  const cursor = answer.headers.get("Mercure-Last-Event-ID");
  const decoder = new TextDecoder();
  let text = "";
  const data = () => [...text.matchAll(/^data: (.*)$/gm)].map(([, line]) => line);
  const reader = answer.body?.getReader();
  while (data().length < lines) {
    const part = await reader?.read();
    if (!part || part.done) break;
    text += decoder.decode(part.value, { stream: true });
  }
  stopping.abort();
  return { status: answer.status, cursor, data: data() };
}, /** @type {const} */ ([url, headers, lines, DEADLINE]));

test("fetch: private updates come to a Bearer token of either generation, and the page can read where its history began", async (t) => {
  const { site, hub } = await start(t);
  const page = await openPage(t, site);
  const first = await hub.publish({ topic: BOOK, data: "1", private: true });
  for (const data of ["2", "3"]) await hub.publish({ topic: BOOK, data, private: true });
  for (const [, token] of readers(hub, BOOK)) {
    const read = (/** @type {string} */ last, /** @type {number} */ lines) =>
      readWithFetch(page, subscribeUrl(hub.url, BOOK), { Authorization: `Bearer ${token}`, "Last-Event-ID": last }, lines);
    assert.deepEqual(await read(first, 2), { status: 200, cursor: first, data: ["2", "3"] });
    assert.deepEqual(await read("urn:lost", 0), { status: 200, cursor: "earliest", data: [] }, "so the page knows that it lost something");
  }
});

test("a page of an origin that is not listed reads nothing, and publishes nothing with the reader's cookie", async (t) => {
  const { site, hub } = await start(t);
  const foreign = await startSite(t);
  const cookie = `mercureAuthorization=${legacyToken({ subscribe: [BOOK], publish: ["*"] })}; Path=${HUB_PATH}; HttpOnly; SameSite=Strict`;
  for (const one of [site, foreign]) one.hand(cookie);
  const listener = await eventSource(await openPage(t, site), subscribeUrl(hub.url, BOOK), { withCredentials: true });
  await listener.isOpen();

  const page = await openPage(t, foreign);
  for (const withCredentials of [true, false]) await (await eventSource(page, subscribeUrl(hub.url, BOOK), { withCredentials })).isRefused();
  const publish = (/** @type {Page} */ from) => from.evaluate(async ([url, topic]) => {
    const body = new URLSearchParams({ topic, data: "forged", private: "on" });
    return fetch(url, { method: "POST", credentials: "include", body }).then(({ status }) => status, () => "kept away");
  }, [hub.url, BOOK]);
  assert.equal(await publish(page), "kept away");
  await hub.publish({ topic: BOOK, data: "genuine", private: true });
  await becomes(listener.data, ["genuine"]);
});
