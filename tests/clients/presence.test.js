import assert from "node:assert/strict";
import { test } from "node:test";
import { EventSource } from "eventsource";
import { becomes } from "../browser/support/until.js";
import { HUB_PATH, startHub, subscribeUrl } from "./support/hub.js";
import { eventSource, openPage } from "./support/pages.js";
import { startSite } from "./support/site.js";
import { accessToken, legacyToken } from "./support/tokens.js";

/** @import { Page } from "playwright-core" */
/** @import { Heard } from "./support/pages.js" */

/** As PHP's rawurlencode. */
const encode = (/** @type {string} */ text) => encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

// The requests of Laravel Echo's driver for Mercure, which no release of the package holds yet: one stream for channels and presence, one for
// whispers, the members from the API, whispers published by the page itself with the reader's cookie.
const CHANNEL = `https://laravel.alt/echo/channel/${encode("presence-lobby (1)*")}`;
const WHISPER = `https://laravel.alt/echo/whisper/${encode("presence-lobby (1)*")}`;
const MEMBERS = `${HUB_PATH}/subscriptions/:match_type/${encode(CHANNEL)}`;

/** @param {string} audience @param {string} name */
const memberToken = (audience, name) => accessToken([audience], [
  { actions: ["subscribe"], topics: [CHANNEL, { match: `${MEMBERS}{/:subscriber}?`, match_type: "urlpattern" }], payload: { name } },
  { actions: ["subscribe", "publish"], topics: [WHISPER] },
]);

/** What the API says of the channel's members, asked from a page. @param {Page} page @param {string} hub */
const members = async (page, hub) => {
  const found = await page.evaluate(async (url) => {
    const answer = await fetch(url, { credentials: "include" });
    return { status: answer.status, link: answer.headers.get("link"), body: await answer.json() };
  }, `${hub}/subscriptions/exact/${encode(CHANNEL)}`);
  assert.equal(found.status, 200);
  assert.match(found.link ?? "", /rel="mercure".*last-event-id="urn:uuid:/);
  return found.body.subscriptions.filter((/** @type {any} */ { active, payload }) => active && payload).map((/** @type {any} */ { payload }) => payload.name).sort();
};

/** @param {Heard[]} heard */
const comings = (heard) => heard.filter(({ type }) => type === "mercure").map(({ data }) => JSON.parse(data)).filter(({ payload }) => payload)
  .map(({ active, payload }) => `${payload.name} ${active ? "comes" : "goes"}`);

test("Laravel Echo's presence channel: who is there, who comes and goes, broadcasts and whispers", async (t) => {
  const site = await startSite(t);
  const hub = await startHub(t, { directives: ["anonymous", "subscriptions", `cors_origins ${site.origin}`, `publish_origins ${site.origin}`] });
  const join = async (/** @type {string} */ name) => {
    site.hand(`__Secure-mercure_access_token=${memberToken(hub.url, name)}; Path=${HUB_PATH}; HttpOnly; Secure; SameSite=Strict`);
    const page = await openPage(t, site);
    const url = new URL(subscribeUrl(hub.url, CHANNEL, "match"));
    url.searchParams.append("match_urlpattern", `${MEMBERS}/:subscriber`);
    const stream = await eventSource(page, url.href, { withCredentials: true, types: ["mercure"] });
    await stream.isOpen();
    const whispers = await eventSource(page, subscribeUrl(hub.url, WHISPER, "match"), { withCredentials: true });
    await whispers.isOpen();
    const messages = async () => (await stream.heard()).filter(({ type }) => type === "message").map(({ data }) => data);
    const whisper = (/** @type {string} */ topic, /** @type {string} */ data) => page.evaluate(
      async ([url, topic, data]) => (await fetch(url, { method: "POST", credentials: "include", body: new URLSearchParams({ topic, data, private: "on" }) })).status,
      [hub.url, topic, data],
    );
    return { page, messages, whispers, whisper, seen: async () => comings(await stream.heard()), there: () => members(page, hub.url) };
  };

  const ada = await join("Ada");
  assert.deepEqual(await ada.there(), ["Ada"]);
  const stranger = new EventSource(subscribeUrl(hub.url, CHANNEL, "match"));
  t.after(() => stranger.close());
  await new Promise((resolve) => (stranger.onopen = resolve));
  assert.deepEqual(await ada.there(), ["Ada"], "whoever subscribes without a grant is no member");

  const ben = await join("Ben");
  assert.deepEqual(await ben.there(), ["Ada", "Ben"]);
  await becomes(ada.seen, ["Ada comes", "Ben comes"]);
  await hub.publish({ topic: CHANNEL, data: `{"event":"said"}`, private: true });
  for (const one of [ada, ben]) await becomes(one.messages, [`{"event":"said"}`]);

  assert.equal(await ada.whisper(WHISPER, "typing…"), 200);
  await becomes(ben.whispers.data, ["typing…"]);
  assert.equal(await ada.whisper(CHANNEL, "forged"), 403);

  await ben.page.close();
  await becomes(ada.seen, ["Ada comes", "Ben comes", "Ben goes"]);
  assert.deepEqual(await ada.there(), ["Ada"]);
  assert.deepEqual(await ada.messages(), [`{"event":"said"}`]);
});

test("eventsource: presence of the 0.x generation, as documents in JSON-LD under the default event name", async (t) => {
  const hub = await startHub(t, { directives: ["subscriptions"] });
  const topic = "https://example.com/books/1";
  const below = `${HUB_PATH}/subscriptions/${encode(topic)}`;
  const headers = { Authorization: `Bearer ${legacyToken({ subscribe: [topic, `${below}{/subscriber}`], payload: { name: "Ada" } })}` };
  const open = async (/** @type {string} */ selector) => {
    const source = new EventSource(subscribeUrl(hub.url, selector), { fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, ...headers } }) });
    t.after(() => source.close());
    /** @type {any[]} */
    const told = [];
    source.onmessage = ({ data }) => told.push(JSON.parse(data));
    await new Promise((resolve) => (source.onopen = resolve));
    return { source, told };
  };
  const { told } = await open(`${below}{/subscriber}`);
  const { source } = await open(topic);
  await becomes(() => told.length, 1);
  const [came] = told;
  assert.deepEqual(came, {
    "@context": "https://mercure.rocks/", id: `${below}/${encode(came.subscriber)}`, type: "Subscription", topic, subscriber: came.subscriber, active: true, payload: { name: "Ada" },
  });

  const answer = await fetch(new URL(below, hub.url), { headers });
  assert.match(answer.headers.get("content-type") ?? "", /^application\/ld\+json/);
  const list = await answer.json();
  // The list names its context once, for all that stands in it.
  const item = Object.fromEntries(Object.entries(came).filter(([name]) => name !== "@context"));
  assert.deepEqual({ ...list, lastEventID: typeof list.lastEventID }, {
    "@context": "https://mercure.rocks/", id: below, type: "Subscriptions", lastEventID: "string", subscriptions: [item],
  });

  source.close();
  await becomes(() => told.length, 2);
  assert.deepEqual(told[1], { ...came, active: false });
});
