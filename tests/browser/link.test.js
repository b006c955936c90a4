import assert from "node:assert/strict";
import { test } from "node:test";
import { startTown } from "./support/town.js";
import { becomes, until } from "./support/until.js";

/** @import { Page } from "playwright-core" */
/** @import { Room } from "./support/room.js" */

const WORDS = {
  en: { live: "Live", sse: "Live", longpoll: "Nearly live", polling: "Refreshing regularly", offline: "Offline", connecting: "Connecting…" },
  fr: { live: "En direct", sse: "En direct", longpoll: "Presque en direct", polling: "Actualisation régulière", offline: "Hors ligne", connecting: "Connexion…" },
};

/** @param {Room} room @param {keyof typeof WORDS.en} state @param {"en" | "fr"} language */
async function says(room, state, language) {
  await room.link(state, 60_000);
  assert.equal(await room.words(), WORDS[language][state]);
}

/** Lets the page's timers come to their end at once; the network keeps its own pace. @param {Page} page @param {number} seconds */
const hurry = (page, seconds) => page.clock.fastForward(seconds * 1000);

test("the link falls from WebSocket to a plain poll and climbs back, and the two lists stay equal", async (t) => {
  const town = await startTown(t, { relay: true });
  const ada = await town.person("Ada");
  const ben = await town.person("Ben", { locale: "fr-FR" });
  const { relay } = town;
  const { room } = await town.goal([ada, ben]);
  for (const { page } of [ada, ben]) await page.clock.install();
  const [hers, his] = [await ada.room(room), await ben.room(room)];
  /** @type {string[]} */
  const said = [];

  /** Both speak, and both see all of it, once, in one order. @param {string} when */
  async function bothSpeak(when) {
    for (const [who, text] of /** @type {const} */ ([[hers, `Ada ${when}`], [his, `Ben ${when}`]])) {
      await who.send(text);
      said.push(text);
      for (const other of [hers, his]) await other.shows(said);
    }
    for (const other of [hers, his]) await other.settled();
  }

  await says(hers, "live", "en");
  await says(his, "live", "fr");
  await bothSpeak("on a socket");

  relay.refuse("websocket");
  await until("both are on event streams", () => relay.count("sse") === 2, 60_000);
  await says(hers, "sse", "en");
  await says(his, "sse", "fr");
  await bothSpeak("on an event stream");

  relay.refuse("sse");
  await says(hers, "longpoll", "en");
  await says(his, "longpoll", "fr");
  await until("both wait for news", () => relay.count("wait") === 2);
  await bothSpeak("on a long poll");

  relay.refuse("wait");
  await says(hers, "polling", "en");
  await says(his, "polling", "fr");
  await bothSpeak("on a poll");

  relay.allow("websocket", "sse", "wait");
  for (const { page } of [ada, ben]) await hurry(page, 300);
  await says(hers, "live", "en");
  await says(his, "live", "fr");
  await until("both are on sockets again", () => relay.count("websocket") === 2);
  assert.equal(relay.count("sse"), 0, "no stream was left behind");
  await bothSpeak("on a socket again");

  for (const other of [hers, his]) {
    await other.reload();
    await other.shows(said);
  }
});

test("a cut socket costs nobody a message, however often it is cut", async (t) => {
  const town = await startTown(t, { relay: true });
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const { relay } = town;
  const { room } = await town.goal([ada, ben]);
  const [hers, his] = [await ada.room(room), await ben.room(room)];
  for (const one of [hers, his]) await one.link("live");
  /** @type {string[]} */
  const said = [];
  for (let n = 1; n <= 12; n += 1) {
    const text = `Line ${n}`;
    said.push(text);
    const sending = ben.says(room, text);
    relay.refuse("websocket", "sse");
    relay.allow("websocket", "sse");
    await sending;
  }
  for (const one of [hers, his]) await one.shows(said);
});

test("a link that is swallowed in silence is found dead and replaced", async (t) => {
  const town = await startTown(t, { relay: true });
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const { relay } = town;
  const { room } = await town.goal([ada, ben]);
  await ada.page.clock.install();
  const hers = await ada.room(room);
  await hers.link("live");
  await until("her socket is open", () => relay.count("websocket") === 1);
  assert.equal(relay.swallow("websocket"), 1);
  await ben.says(room, "Can you hear me?");
  // She cannot: nothing tells her browser so, until two heartbeats are missing.
  await hurry(ada.page, 40);
  await hers.shows(["Can you hear me?"]);
  await hers.link("live");
  await ben.says(room, "And now?");
  await hers.shows(["Can you hear me?", "And now?"]);
});

test("where the site only polls, the page says so and still gets everything", async (t) => {
  const town = await startTown(t, { flags: ["--realtime", "polling"] });
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const { room } = await town.goal([ada, ben]);
  const [hers, his] = [await ada.room(room), await ben.room(room)];
  for (const one of [hers, his]) await says(one, "polling", "en");
  await his.send("By post");
  await hers.shows(["By post"]);
  await ada.page.bringToFront();
  await hers.send("And back");
  await his.shows(["By post", "And back"]);
});

test("without a network the page says so, and comes back by itself", async (t) => {
  const town = await startTown(t);
  const ada = await town.person("Ada", { locale: "fr-FR" });
  const { room } = await town.goal([ada]);
  const hers = await ada.room(room);
  await says(hers, "live", "fr");
  await ada.context.setOffline(true);
  await says(hers, "offline", "fr");
  await ada.page.getByText("Vous êtes hors ligne").waitFor();
  await ada.context.setOffline(false);
  await says(hers, "live", "fr");
  await becomes(() => ada.page.getByText("Vous êtes hors ligne").isVisible(), false);
});
