import assert from "node:assert/strict";
import { test } from "node:test";
import { roomOf } from "./support/room.js";
import { PASSWORD, startTown } from "./support/town.js";
import { becomes } from "./support/until.js";

/** @import { Locator, Page } from "playwright-core" */

/** @param {Page} page @param {{ first_name: string, last_name: string, email: string }} who */
async function register(page, who) {
  await page.goto("/register");
  for (const [name, value] of Object.entries(who)) await page.fill(`input[name=${name}]`, value);
  await page.fill("input[name=password]", PASSWORD);
  await page.click("form.form button[type=submit]");
}

test("two people meet in a goal and talk, without one reload", async (t) => {
  const town = await startTown(t);
  const ada = await town.person("Ada", { signedUp: false });
  const ben = await town.person("Ben", { signedUp: false });

  await ada.page.goto("/");
  await ada.page.getByRole("heading", { name: "Welcome to Palabre" }).waitFor();
  await ada.page.getByText("it will administer this site").waitFor();
  await register(ada.page, { first_name: "Ada", last_name: "Sow", email: "ada@palabre.example" });
  await ada.page.waitForURL("**/goals");
  await ada.page.getByRole("link", { name: "New goal" }).first().click();
  await ada.page.getByLabel("Title").fill("Plant a hundred trees");
  await ada.page.getByLabel("Description").fill("Before the rains come.");
  await ada.page.getByRole("button", { name: "Create the goal" }).click();
  await ada.page.waitForURL(/\/message\/chatroom\/\d+$/);
  const hers = roomOf(ada.page);
  await hers.ready();
  await hers.link("live");
  await ada.page.getByText("The floor is yours").waitFor();

  await register(ben.page, { first_name: "Ben", last_name: "Diop", email: "ben@palabre.example" });
  await ben.page.goto("/goals");
  await ben.page.getByRole("link", { name: "Plant a hundred trees" }).click();
  await ben.page.getByRole("button", { name: "Ask to join" }).click();
  await ben.page.getByRole("heading", { name: "Your request is on its way" }).waitFor();

  // Neither of them reloads anything from here on.
  for (const { page } of [ada, ben]) await page.evaluate(() => Object.assign(globalThis, { isTheSamePage: true }));
  const request = ada.page.locator("#requests .person", { hasText: "Ben Diop" });
  await request.getByRole("button", { name: "Accept Ben Diop" }).click();
  await ada.page.locator("#members .person", { hasText: "Ben Diop" }).waitFor();
  assert.equal(await request.count(), 0);

  const door = ben.page.getByRole("link", { name: "Open the conversation" });
  await door.waitFor();
  assert.equal(await ben.page.evaluate(() => "isTheSamePage" in globalThis), true);
  await door.click();
  const his = roomOf(ben.page);
  await his.ready();
  await his.link("live");

  await hers.send("Welcome, Ben!");
  await his.shows(["Welcome, Ben!"]);
  await his.send("Thank you. **Where** do we begin?");
  await hers.shows(["Welcome, Ben!", "Thank you. Where do we begin?"]);
  assert.equal(await hers.page.locator(".message-body strong").textContent(), "Where");

  await his.act("Thank you", "edit");
  assert.equal(await his.field.inputValue(), "Thank you. **Where** do we begin?");
  await his.field.fill("Thank you. When do we begin?");
  await his.field.press("Enter");
  await hers.shows(["Welcome, Ben!", "Thank you. When do we begin?"]);
  await hers.entry("When do we begin").locator(".message-edited").waitFor();

  await hers.act("When do we begin", "reply");
  await hers.page.getByText("Replying to Ben Diop").waitFor();
  await hers.send("On Saturday at eight.");
  const answer = his.entry("On Saturday at eight.");
  await answer.locator(".entry-quote", { hasText: "Ben Diop" }).waitFor();
  assert.equal(await answer.locator(".entry-quote-excerpt").textContent(), "Thank you. When do we begin?");
  await answer.locator(".entry-quote").click();
  await isInSight(his.entry("When do we begin").first());

  await hers.act("On Saturday at eight.", "delete");
  const dialog = hers.page.getByRole("dialog", { name: "Delete this message?" });
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await dialog.waitFor({ state: "hidden" });
  await his.shows(["Welcome, Ben!", "Thank you. When do we begin?", "On Saturday at eight."]);
  await hers.act("On Saturday at eight.", "delete");
  await dialog.getByRole("button", { name: "Delete" }).click();
  for (const room of [hers, his]) await room.shows(["Welcome, Ben!", "Thank you. When do we begin?", ""]);
  await his.page.locator(".message[data-deleted]").waitFor();
  assert.equal(await ada.page.evaluate(() => "isTheSamePage" in globalThis), true);
});

/** @param {Locator} line */
function isInSight(line) {
  return becomes(() => line.evaluate((element) => {
    const box = element.getBoundingClientRect();
    return box.top > 0 && box.bottom < innerHeight;
  }), true);
}

test("a quote follows its source, and leads to it in the history", async (t) => {
  const town = await startTown(t);
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben", { reducedMotion: "no-preference" })];
  const { room } = await town.goal([ada, ben]);
  const { message: first } = await ada.says(room, "The very first word");
  for (let n = 1; n <= 80; n += 1) await ada.says(room, `Line ${n}`);
  await ben.post(`/message/chatroom/${room}`, { content: "I answer that", reply_to: String(first.id) });
  const his = await ben.room(room);
  const quote = his.entry("I answer that").locator(".entry-quote");
  assert.equal(await quote.locator(".entry-quote-excerpt").textContent(), "The very first word");

  await ada.post(`/message/${first.id}/edit`, { content: "The very first sentence" });
  await becomes(() => quote.locator(".entry-quote-excerpt").textContent(), "The very first sentence");
  await quote.click();
  const source = his.entry("The very first sentence").first();
  await isInSight(source);
  await becomes(() => source.evaluate((line) => line.classList.contains("is-flash")), true);

  await ada.post(`/message/${first.id}/delete`);
  await becomes(() => quote.evaluate((line) => line.classList.contains("is-deleted")), true);
});

test("unread marks count elsewhere and behind the tab, and go when the messages are seen", async (t) => {
  const town = await startTown(t);
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const one = await town.goal([ada, ben], "The first goal");
  const two = await town.goal([ada, ben], "The second goal");
  const hers = await ada.room(one.room);
  await hers.link("live");
  await hers.badge(two.room).waitFor({ state: "hidden" });

  await ben.says(two.room, "Over here");
  await ben.says(two.room, "and here");
  await becomes(() => hers.badge(two.room).textContent(), "2");
  assert.match(await hers.page.title(), /^\(2\) /);

  // Another device of hers reads them.
  const elsewhere = await ada.tab(two.room);
  await elsewhere.shows(["Over here", "and here"]);
  await elsewhere.page.bringToFront();
  await hers.badge(two.room).waitFor({ state: "hidden" });
  await becomes(() => hers.page.title(), "The first goal · Palabre");

  // The tab that she does not look at keeps count.
  await elsewhere.page.evaluate(() => {
    Object.defineProperty(document, "hidden", { get: () => Reflect.get(globalThis, "isAway") ?? true, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await ben.says(two.room, "Are you there?");
  await becomes(() => elsewhere.page.title(), "(1) The second goal · Palabre");
  await elsewhere.page.locator(".new-line").waitFor();
  await elsewhere.page.evaluate(() => {
    Object.assign(globalThis, { isAway: false });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await becomes(() => elsewhere.page.title(), "The second goal · Palabre");
});
