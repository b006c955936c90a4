import assert from "node:assert/strict";
import { test } from "node:test";
import { PHONE, startTown } from "./support/town.js";
import { becomes, until } from "./support/until.js";

/** @import { Person } from "./support/town.js" */
/** @import { Room } from "./support/room.js" */

/** What the ticks of one's own message say. @param {Room} room @param {string} text */
const ticks = (room, text) => room.entry(text).first().locator(".ticks").getAttribute("aria-label");

/** What a person's poll says of a room. @param {Person} who */
async function unread(who) {
  const { rooms } = await (await who.context.request.get("/user/fetch", { headers: { accept: "application/json" } })).json();
  return rooms[0].unread;
}

/** Another browser of the same person. @param {import("./support/town.js").Town} town @param {Person} who */
async function secondDevice(town, who) {
  const device = await town.person("Device", { signedUp: false });
  await device.context.addCookies(await who.context.cookies());
  return device;
}

test("ticks turn blue in the other window, and tell who has read it and who has not", async (t) => {
  const town = await startTown(t);
  const [ada, ben, cleo] = [await town.person("Ada"), await town.person("Ben"), await town.person("Cleo")];
  const { room } = await town.goal([ada, ben, cleo]);
  const hers = await ada.room(room);
  await hers.link("live");
  await hers.send("Who reads this?");
  await hers.settled();
  const line = hers.entry("Who reads this?");
  await becomes(() => ticks(hers, "Who reads this?"), "Sent");
  const grey = await line.locator(".ticks").evaluate((button) => getComputedStyle(button).color);
  const his = await ben.room(room);
  await his.link("live");
  await becomes(() => ticks(hers, "Who reads this?"), "Seen by 1 of 2");
  const blue = await line.locator(".ticks").evaluate((button) => getComputedStyle(button).color);
  assert.notEqual(blue, grey);

  await line.locator(".ticks").click();
  const panel = ada.page.locator("#seen");
  await becomes(() => panel.locator("#seen-heading").textContent(), "Seen by 1 of 2");
  await becomes(() => panel.locator(".seen-by .seen-person span:not(.avatar)").allTextContents(), ["Ben Test"]);
  await panel.locator(".seen-by time").waitFor();
  assert.deepEqual(await panel.locator(".seen-not .seen-person span:not(.avatar)").allTextContents(), ["Cleo Test"]);
  await ada.page.keyboard.press("Escape");
  await panel.waitFor({ state: "hidden" });

  await cleo.room(room);
  await becomes(() => ticks(hers, "Who reads this?"), "Seen by everyone");
  await hers.reload();
  assert.equal(await ticks(hers, "Who reads this?"), "Seen by everyone", "the page knows it from the start");
  assert.equal(await his.entry("Who reads this?").locator(".ticks").count(), 0, "only one's own messages have them");
});

test("a page that is scrolled up, hidden or not looked at reads nothing", async (t) => {
  const town = await startTown(t);
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben", { viewport: PHONE })];
  const { room } = await town.goal([ada, ben]);
  for (let n = 1; n <= 40; n += 1) await ada.says(room, `Line ${n}.`);
  const his = await ben.room(room);
  await his.link("live");
  await ben.page.locator("#jump-latest").click();
  await becomes(() => unread(ben), 0);
  await his.page.locator("#scroller").hover();
  await ben.page.mouse.wheel(0, -900);
  await ben.page.locator("#jump-latest").waitFor();
  await ada.says(room, "Out of sight");
  await until("it has come", async () => (await his.texts()).at(-1) === "Out of sight");
  await ben.page.waitForFunction(() => document.title.startsWith("(1) "));
  assert.equal(await unread(ben), 1);
  await ben.page.getByRole("button", { name: "1 new message" }).click();
  await becomes(() => unread(ben), 0);
  await ben.page.waitForFunction(() => !document.title.startsWith("("));
});

test("who shows no receipts is not counted and sees none", async (t) => {
  const town = await startTown(t);
  const [ada, ben, cleo] = [await town.person("Ada"), await town.person("Ben"), await town.person("Cleo")];
  const { room } = await town.goal([ada, ben, cleo]);
  await ben.page.goto("/settings");
  const choice = ben.page.getByRole("form", { name: "Show which messages I have read" });
  await choice.getByRole("button", { name: "No" }).click();
  await choice.locator("[value=false][aria-pressed=true]").waitFor();
  const hers = await ada.room(room);
  await hers.link("live");
  await hers.send("A question");
  await hers.settled();
  const his = await ben.room(room);
  await his.link("live");
  await becomes(() => unread(ben), 0);
  await cleo.room(room);
  await becomes(() => ticks(hers, "A question"), "Seen by everyone");
  await hers.entry("A question").locator(".ticks").click();
  await becomes(() => ada.page.locator("#seen .seen-person span:not(.avatar)").allTextContents(), ["Cleo Test"]);
  await his.send("An answer");
  await his.settled();
  await until("it has come", async () => (await hers.texts()).includes("An answer"));
  await becomes(() => unread(ada), 0);
  assert.equal(await ticks(his, "An answer"), "Sent");
  await his.entry("An answer").locator(".ticks").click();
  await ben.page.getByText("You do not show what you read").waitFor();
});

test("marked as unread it stays so until one comes back, and clears on the second device at once", async (t) => {
  const town = await startTown(t);
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const { room } = await town.goal([ada, ben]);
  for (const text of ["One", "Two", "Three"]) await ben.says(room, text);
  const hers = await ada.room(room);
  await hers.link("live");
  await becomes(() => unread(ada), 0);
  const device = await secondDevice(town, ada);
  await device.page.goto("/goals");
  const { room: elsewhere } = await ben.post("/goal/new", { title: "Another place", description: "" }).then(({ goal }) => ({ room: Number(goal.chatroom_id) }));
  assert.ok(elsewhere);
  await hers.act("Two", "unread");
  await becomes(() => unread(ada), 2);
  await hers.badge(room).waitFor();
  assert.equal(await hers.badge(room).textContent(), "2");
  const above = () => ada.page.locator(".new-line").evaluate((line) => line.nextElementSibling?.querySelector(".message-body")?.textContent?.trim());
  assert.equal(await above(), "Two");
  await ben.says(room, "Four");
  await until("it has come", async () => (await hers.texts()).at(-1) === "Four");
  assert.equal(await unread(ada), 3, "looking on does not read it");
  assert.equal(await above(), "Two", "the line stands still");
  // The second device comes, looks, and has read it: the first hears of that at once.
  const there = await device.room(room);
  await there.link("live");
  await device.page.locator("#jump-latest").evaluate((button) => button instanceof HTMLElement && button.click());
  await becomes(() => unread(ada), 0);
  await hers.badge(room).waitFor({ state: "hidden" });
});

test("the way up to what is new, further up than what is loaded", async (t) => {
  const town = await startTown(t);
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const { room } = await town.goal([ada, ben]);
  await ben.says(room, "Read before");
  const hers = await ada.room(room);
  await becomes(() => unread(ada), 0);
  await ada.page.goto("/goals");
  for (let n = 1; n <= 80; n += 1) await ben.says(room, `Line ${n}.`);
  await ada.room(room);
  const button = ada.page.locator("#jump-unread");
  await button.waitFor();
  assert.match((await button.textContent()) ?? "", /new messages since/);
  await button.click();
  await ada.page.locator(".new-line").waitFor();
  const above = await ada.page.locator(".new-line").evaluate((line) => line.nextElementSibling?.querySelector(".message-body")?.textContent?.trim());
  assert.equal(above, "Line 1.");
  await button.waitFor({ state: "hidden" });
  await ada.page.locator("#scroller").focus();
  await ada.page.keyboard.press("Escape");
  await becomes(async () => (await hers.distance()) < 2, true);
  await ada.page.locator(".new-line").waitFor({ state: "detached" });
});

test("typing appears, stays while it goes on, and goes at once", async (t) => {
  const town = await startTown(t);
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const { room } = await town.goal([ada, ben]);
  const [hers, his] = [await ada.room(room), await ben.room(room)];
  await hers.link("live");
  await his.link("live");
  const line = ada.page.locator("#typing span");
  const height = (await ada.page.locator("#typing").boundingBox())?.height;
  await his.field.pressSequentially("Hel");
  await becomes(() => line.textContent(), "Ben is typing…");
  assert.equal((await ada.page.locator("#typing").boundingBox())?.height, height, "nothing moves");
  await his.field.fill("");
  await becomes(() => line.textContent(), "");
  await his.field.pressSequentially("Hello");
  await becomes(() => line.textContent(), "Ben is typing…");
  await his.field.press("Enter");
  await until("the message has come", async () => (await hers.texts()).at(-1) === "Hello");
  await becomes(() => line.textContent(), "");
  await his.field.pressSequentially("And");
  await becomes(() => line.textContent(), "Ben is typing…");
  // Who only looks at the words does not type any more.
  await becomes(() => line.textContent(), "");
  await his.field.pressSequentially(" so on");
  await becomes(() => line.textContent(), "Ben is typing…");
  await ben.page.close();
  await becomes(() => line.textContent(), "");
});

test("typing and receipts without a socket", async (t) => {
  const town = await startTown(t, { flags: ["--realtime", "polling"] });
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const { room } = await town.goal([ada, ben]);
  const [hers, his] = [await ada.room(room), await ben.room(room)];
  await hers.link("polling");
  await his.field.pressSequentially("Slow");
  await becomes(() => ada.page.locator("#typing span").textContent(), "Ben is typing…");
  await his.field.fill("");
  await becomes(() => ada.page.locator("#typing span").textContent(), "");
  await hers.send("By and by");
  await becomes(() => ticks(hers, "By and by"), "Seen by everyone");
  await becomes(() => ada.page.locator(`[data-member="${ben.id}"]`).getAttribute("data-status"), "online");
});

test("a dot beside who is here, gone after the page is closed", async (t) => {
  const town = await startTown(t);
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const { room } = await town.goal([ada, ben]);
  await ben.says(room, "Hello");
  const hers = await ada.room(room);
  await hers.link("live");
  const status = () => ada.page.locator(`[data-member="${ben.id}"]`).getAttribute("data-status");
  const his = await ben.room(room);
  await his.link("live");
  await becomes(status, "online");
  const dot = () => hers.entry("Hello").locator(".avatar").evaluate((face) => getComputedStyle(face, "::after").visibility);
  assert.equal(await dot(), "visible");
  await ben.page.close();
  await becomes(status, "offline");
  assert.equal(await dot(), "hidden");
  assert.match((await ada.page.locator(`[data-member="${ben.id}"] .person-seen`).textContent()) ?? "", /^Last seen \d/);
});
