import assert from "node:assert/strict";
import { test } from "node:test";
import { HUB_PATH, startHub } from "./support/hub.js";
import { openPage } from "./support/pages.js";
import { startSite } from "./support/site.js";
import { legacyToken } from "./support/tokens.js";

/** @import { Page } from "playwright-core" */
/** @import { Hub } from "./support/hub.js" */

/** The topics of UX Turbo's broadcasts: the entity's class, percent-encoded by PHP, is part of the topic's name. */
const ENTITY = "https://symfony.com/ux-turbo/App%5CEntity%5CBook";
const TEMPLATE = `${ENTITY}/{id}`;
const LIST = `<ul id="books"></ul>`;

const append = (/** @type {number} */ id, /** @type {string} */ title) =>
  `<turbo-stream action="append" target="books">\n<template>\n  <li id="book_${id}">${title}</li>\n</template>\n</turbo-stream>`;
const update = (/** @type {number} */ id, /** @type {string} */ title) => `<turbo-stream action="update" target="book_${id}"><template>${title}</template></turbo-stream>`;
const remove = (/** @type {number} */ id) => `<turbo-stream action="remove" target="book_${id}"></turbo-stream>`;

/** @param {Page} page @param {string[]} titles */
const shows = async (page, titles) => {
  await page.waitForFunction((titles) => JSON.stringify([...document.querySelectorAll("#books li")].map(({ textContent }) => textContent)) === JSON.stringify(titles), titles);
};

/** What a broadcast of books looks like, from its first to its last. @param {Hub} hub @param {Page} page @param {boolean} isPrivate */
async function broadcast(hub, page, isPrivate) {
  const say = (/** @type {string} */ topic, /** @type {string} */ data) => hub.publish({ topic, data, private: isPrivate });
  await say(`${ENTITY}/1`, append(1, "L’Étranger"));
  await say(`${ENTITY}/2`, append(2, "1984 &amp; more"));
  await shows(page, ["L’Étranger", "1984 & more"]);
  await say("https://symfony.com/ux-turbo/App%5CEntity%5CUser/1", append(3, "of another class"));
  await say("https://symfony.com/ux-turbo/App\\Entity\\Book/1", append(4, "not the same name"));
  await say(`${ENTITY}/1`, update(1, "The Stranger"));
  await say(`${ENTITY}/2`, remove(2));
  await shows(page, ["The Stranger"]);
}

/** Waits until the page's stream is answered, which is when the hub knows it. @param {Page} page @param {Hub} hub */
const answered = async (page, hub) => {
  const answer = await page.waitForResponse((response) => response.url().startsWith(hub.url));
  assert.equal(answer.status(), 200);
};

for (const isPrivate of [false, true]) {
  const kind = isPrivate ? "private by cookie" : "public";

  /** @param {import("node:test").TestContext} t */
  const start = async (t) => {
    const site = await startSite(t);
    const hub = await startHub(t, { directives: [...(isPrivate ? [] : ["anonymous"]), `cors_origins ${site.origin}`] });
    if (isPrivate) site.hand(`mercureAuthorization=${legacyToken({ subscribe: [TEMPLATE] })}; Path=${HUB_PATH}; HttpOnly; SameSite=Strict`);
    return { site, hub, source: `${hub.url}?topic=${encodeURIComponent(TEMPLATE)}` };
  };

  test(`Turbo: a stream source is connected, ${kind}`, async (t) => {
    const { site, hub, source } = await start(t);
    site.show(`${LIST}<script type="module">
      import { connectStreamSource } from "@hotwired/turbo";
      const source = new EventSource(${JSON.stringify(source)}, { withCredentials: ${isPrivate} });
      connectStreamSource(source);
      source.onopen = () => document.body.setAttribute("data-open", "");
    </script>`);
    const page = await openPage(t, site);
    await page.locator("[data-open]").waitFor({ state: "attached" });
    await broadcast(hub, page, isPrivate);
  });

  test(`UX Turbo: the element <turbo-mercure-stream-source>, ${kind}`, async (t) => {
    const { site, hub, source } = await start(t);
    const element = `<turbo-mercure-stream-source src="${source}" ${isPrivate ? "private" : ""}></turbo-mercure-stream-source>`;
    site.show(`${LIST}${element}<script type="module">import "@symfony/ux-turbo/mercure_stream_source_element.js";</script>`);
    const page = await openPage(t, site);
    await page.locator("turbo-mercure-stream-source[connected]").waitFor({ state: "attached" });
    await broadcast(hub, page, isPrivate);
  });

  test(`UX Turbo: the Stimulus controller that turbo_stream_listen() puts into a page, ${kind}`, async (t) => {
    const { site, hub } = await start(t);
    const name = "symfony--ux-turbo--mercure-turbo-stream";
    const values = { hub: hub.url, topic: TEMPLATE, "with-credentials": isPrivate };
    const attributes = Object.entries(values).map(([key, value]) => `data-${name}-${key}-value="${value}"`).join(" ");
    site.show(`${LIST}<div data-controller="${name}" ${attributes}></div><script type="module">
      import { Application } from "@hotwired/stimulus";
      import Controller from "@symfony/ux-turbo/turbo_stream_controller.js";
      addEventListener("start", () => Application.start().register("${name}", Controller), { once: true });
    </script>`);
    const page = await openPage(t, site);
    await Promise.all([answered(page, hub), page.evaluate(() => dispatchEvent(new Event("start")))]);
    await broadcast(hub, page, isPrivate);
  });
}
