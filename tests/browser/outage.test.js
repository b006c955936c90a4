import assert from "node:assert/strict";
import { test } from "node:test";
import { startTown } from "./support/town.js";
import { becomes, until } from "./support/until.js";

/** @import { Room } from "./support/room.js" */

const numbered = (/** @type {string} */ what, /** @type {number} */ count) => Array.from({ length: count }, (_, n) => `${what} ${n + 1}`);

/** @param {Room} room @param {string[]} texts */
async function type(room, texts) {
  for (const text of texts) await room.send(text);
}

test("the server is killed in mid-talk: what is written meanwhile leaves once each, in order", async (t) => {
  const town = await startTown(t);
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const { room } = await town.goal([ada, ben]);
  const [hers, his] = [await ada.room(room), await ben.room(room)];
  for (const one of [hers, his]) await one.link("live");
  await hers.send("Before");
  await his.shows(["Before"]);

  await town.server.kill();
  const meanwhile = numbered("While it is away", 3);
  await type(hers, meanwhile);
  await hers.shows(["Before", ...meanwhile]);
  await becomes(async () => (await hers.states()).filter((state) => state === "").length, 1);
  await his.shows(["Before"]);

  await town.server.start();
  const said = ["Before", ...meanwhile];
  for (const one of [hers, his]) await one.shows(said, 90_000);
  await hers.settled();
  for (const one of [hers, his]) await one.link("live", 60_000);
  await his.send("After");
  said.push("After");
  for (const one of [hers, his]) await one.shows(said);
  for (const one of [hers, his]) {
    await one.reload();
    await one.shows(said);
  }
});

test("both write on while the server is killed again and again", async (t) => {
  const town = await startTown(t);
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const { room } = await town.goal([ada, ben]);
  const [hers, his] = [await ada.room(room), await ben.room(room)];
  for (let round = 1; round <= 4; round += 1) {
    const killing = town.server.kill();
    await type(hers, numbered(`Ada, round ${round}, line`, 2));
    await killing;
    await type(his, numbered(`Ben, round ${round}, line`, 2));
    await town.server.start();
  }
  for (const one of [hers, his]) await becomes(async () => (await one.texts()).length, 16, 90_000);
  for (const one of [hers, his]) await one.settled();
  const list = await hers.texts();
  await his.shows(list);
  for (const name of ["Ada", "Ben"]) {
    const own = list.filter((text) => text.startsWith(name));
    assert.deepEqual(own, [1, 2, 3, 4].flatMap((round) => numbered(`${name}, round ${round}, line`, 2)), "each once, in the order of writing");
  }
});

test("an answer that is lost on the way doubles nothing", async (t) => {
  const town = await startTown(t, { relay: true });
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const { room } = await town.goal([ada, ben]);
  const [hers, his] = [await ada.room(room), await ben.room(room)];
  await his.link("live");
  let lost = 0;
  await ada.page.route(`**/message/chatroom/${room}`, async (route) => {
    if (route.request().method() !== "POST" || lost > 1) return route.fallback();
    lost += 1;
    // The server has it and answers; the answer never comes back.
    await route.fetch();
    await route.abort("connectionreset");
  });
  town.relay.refuse("websocket", "sse", "wait");
  await hers.send("Once only");
  await his.shows(["Once only"]);
  await hers.shows(["Once only"]);
  await hers.settled();
  await hers.send("And then this");
  for (const one of [hers, his]) await one.shows(["Once only", "And then this"]);
  assert.ok(lost >= 1);
});

test("three messages written offline leave once each, in order, also after a reload", async (t) => {
  const town = await startTown(t);
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const { room } = await town.goal([ada, ben]);
  const [hers, his] = [await ada.room(room), await ben.room(room)];
  await his.link("live");
  await ada.context.setOffline(true);
  await hers.link("offline");
  const first = numbered("From the train", 3);
  await type(hers, first);
  await hers.shows(first);
  assert.ok((await hers.states()).every((state) => state === "pending" || state === "queued"));
  await ada.context.setOffline(false);
  for (const one of [hers, his]) await one.shows(first);
  await hers.settled();

  // The page is reloaded while the server does not take anything.
  await ada.page.route(`**/message/chatroom/${room}`, (route) => (route.request().method() === "POST" ? route.abort() : route.fallback()));
  const second = numbered("From the tunnel", 3);
  await type(hers, second);
  await hers.reload();
  await hers.shows([...first, ...second]);
  await his.shows(first);
  await ada.page.unroute(`**/message/chatroom/${room}`);
  for (const one of [hers, his]) await one.shows([...first, ...second], 60_000);
  await hers.settled();
  await hers.reload();
  await hers.shows([...first, ...second]);
});

test("a draft survives a reload, and each room has its own", async (t) => {
  const town = await startTown(t);
  const ada = await town.person("Ada");
  const one = await town.goal([ada], "The first goal");
  const two = await town.goal([ada], "The second goal");
  let hers = await ada.room(one.room);
  await hers.field.fill("Half a thought about the first");
  await hers.reload();
  assert.equal(await hers.field.inputValue(), "Half a thought about the first");
  hers = await ada.room(two.room);
  assert.equal(await hers.field.inputValue(), "");
  await hers.field.fill("Something about the second");
  hers = await ada.room(one.room);
  assert.equal(await hers.field.inputValue(), "Half a thought about the first");
  await hers.field.press("Enter");
  await hers.shows(["Half a thought about the first"]);
  await hers.settled();
  await hers.reload();
  assert.equal(await hers.field.inputValue(), "");
});

test("what the server refuses stays with its text, to be tried again or thrown away", async (t) => {
  const town = await startTown(t);
  const ada = await town.person("Ada");
  const { room } = await town.goal([ada]);
  const hers = await ada.room(room);
  const refusal = { error: { code: "forbidden", message: "Not today.", fields: {} } };
  await ada.page.route(`**/message/chatroom/${room}`, (route) => {
    if (route.request().method() !== "POST") return route.fallback();
    const status = /tomorrow/.test(route.request().postData() ?? "") ? 422 : 403;
    return route.fulfill({ status, contentType: "application/json", body: JSON.stringify(refusal) });
  });
  await hers.send("May I say this?");
  await hers.send("Or this tomorrow?");
  await becomes(hers.states, ["failed", "failed"]);
  const line = hers.entry("May I say this?");
  await line.getByText("Not today.").waitFor();
  await hers.reload();
  await becomes(hers.states, ["failed", "failed"]);
  await ada.page.unroute(`**/message/chatroom/${room}`);
  await line.getByRole("button", { name: "Try again" }).click();
  await becomes(hers.states, ["", "failed"]);
  await hers.entry("tomorrow").getByRole("button", { name: "Discard" }).click();
  await hers.shows(["May I say this?"]);
  assert.equal(await hers.field.inputValue(), "Or this tomorrow?", "what is thrown away is given back to the empty field");
});

test("two tabs of one person send what they share once, and both show it", async (t) => {
  const town = await startTown(t);
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const { room } = await town.goal([ada, ben]);
  const his = await ben.room(room);
  const one = await ada.room(room);
  const two = await ada.tab(room);
  let posts = 0;
  ada.context.on("request", (request) => {
    if (request.method() === "POST" && request.url().endsWith(`/message/chatroom/${room}`)) posts += 1;
  });
  for (const tab of [one, two]) await tab.link("live");
  await ada.context.setOffline(true);
  for (const tab of [one, two]) await tab.link("offline");
  await one.send("From the first tab");
  await two.shows(["From the first tab"]);
  await two.send("From the second tab");
  const said = ["From the first tab", "From the second tab"];
  for (const tab of [one, two]) await tab.shows(said);
  const before = posts;
  await ada.context.setOffline(false);
  for (const tab of [one, two, his]) await tab.shows(said);
  for (const tab of [one, two]) await tab.settled();
  assert.ok(posts - before <= 4, `${posts - before} posts for two messages`);

  // The tab that wrote it is closed before it could send it: the other one takes over.
  await ada.context.setOffline(true);
  await one.send("Written and closed");
  await two.shows([...said, "Written and closed"]);
  await one.page.close();
  await ada.context.setOffline(false);
  await until("the other tab has sent it", async () => (await his.texts()).length === 3, 60_000);
  for (const tab of [two, his]) await tab.shows([...said, "Written and closed"]);
});

test("hammering the button sends one message", async (t) => {
  const town = await startTown(t);
  const ada = await town.person("Ada");
  const { room } = await town.goal([ada]);
  const hers = await ada.room(room);
  await hers.field.fill("Just once");
  await ada.page.locator(".composer-send").dblclick();
  for (let n = 0; n < 5; n += 1) await hers.field.press("Enter");
  await hers.shows(["Just once"]);
  await hers.settled();
  await hers.reload();
  await hers.shows(["Just once"]);
});
