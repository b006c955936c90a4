import assert from "node:assert/strict";
import { test } from "node:test";
import { PHONE, startTown } from "./support/town.js";
import { becomes, until } from "./support/until.js";

/** @import { Room } from "./support/room.js" */

const numbered = (/** @type {number} */ from, /** @type {number} */ to) => Array.from({ length: to - from + 1 }, (_, n) => `Line ${from + n}.`);

/** Where a line stands on the screen. @param {Room} room @param {string} text */
const top = (room, text) => room.entry(text).first().evaluate((line) => Math.round(line.getBoundingClientRect().top));

test("two hundred messages: the newest first, the history upwards without a jump, nothing moves the reader", async (t) => {
  const town = await startTown(t);
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const { room } = await town.goal([ada, ben]);
  for (const text of numbered(1, 200)) await ada.says(room, text);
  const hers = await ada.room(room);
  await hers.link("live");
  await hers.shows(numbered(151, 200));
  assert.ok((await hers.distance()) < 2, "the room opens at its end");
  await ada.page.locator("#jump-latest").waitFor({ state: "hidden" });

  // Upwards, a turn of the wheel at a time, until there is no more.
  await ada.page.locator("#scroller").hover();
  await until("the beginning is reached", async () => {
    await ada.page.mouse.wheel(0, -600);
    // Above the first line stands what the room said when Ben came.
    return ada.page.getByText("The conversation starts here").isVisible();
  });
  await hers.shows(numbered(1, 200));

  await hers.entry("Line 100.").evaluate((line) => line.scrollIntoView({ block: "center" }));
  await ada.page.locator("#jump-latest").waitFor();
  const before = await top(hers, "Line 100.");
  await ben.says(room, "Something new");
  await until("the new message has come", async () => (await hers.texts()).at(-1) === "Something new");
  assert.equal(await top(hers, "Line 100."), before, "the reader was moved");
  await ada.page.getByRole("button", { name: "1 new message" }).click();
  await becomes(async () => (await hers.distance()) < 2, true);
  await ada.page.locator("#jump-latest").waitFor({ state: "hidden" });
  await ben.says(room, "And more");
  await until("the list follows", async () => (await hers.texts()).at(-1) === "And more" && (await hers.distance()) < 2);
});

test("a page of history comes in above what is read, and moves nothing", async (t) => {
  const town = await startTown(t);
  const ada = await town.person("Ada", { viewport: PHONE });
  const { room } = await town.goal([ada]);
  for (const text of numbered(1, 120)) await ada.says(room, `${text}\n\nwith a second paragraph`);
  const hers = await ada.room(room);
  /** @type {() => void} */
  let letThrough = () => {};
  const held = new Promise((resolve) => { letThrough = () => resolve(null); });
  await ada.page.route("**/fetch?before=*", async (route) => {
    await held;
    await route.fallback();
  });
  await hers.entry("Line 73.").evaluate((line) => line.scrollIntoView({ block: "start" }));
  await ada.page.locator("#earlier[aria-busy=true]").waitFor({ state: "attached" });
  const before = await top(hers, "Line 73.");
  letThrough();
  await until("the page has come", async () => (await hers.texts()).length > 50);
  assert.equal(await top(hers, "Line 73."), before, "the line that is read has moved");
});

test("the line of the new messages stands where the reader left", async (t) => {
  const town = await startTown(t);
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const { room } = await town.goal([ada, ben]);
  await ben.says(room, "Read already");
  let hers = await ada.room(room);
  await hers.link("live");
  await until("it is marked as read", async () => {
    const { rooms } = await (await ada.context.request.get("/user/fetch", { headers: { accept: "application/json" } })).json();
    return rooms.length === 1 && rooms[0].unread === 0;
  });
  await ada.page.goto("/goals");
  for (const text of numbered(1, 30)) await ben.says(room, text);
  hers = await ada.room(room);
  const above = await ada.page.locator(".new-line").evaluate((line) => line.previousElementSibling?.querySelector(".message-body")?.textContent?.trim());
  assert.equal(above, "Read already");
  const place = await ada.page.locator(".new-line").evaluate((line) => line.getBoundingClientRect().top / innerHeight);
  assert.ok(place > 0 && place < 0.9, `the line is out of sight: ${place}`);
  await hers.send("I am here now");
  await ada.page.locator(".new-line").waitFor({ state: "detached" });
});

test("the composer's keys: Enter, Shift+Enter, ↑ and Escape", async (t) => {
  const town = await startTown(t);
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const { room } = await town.goal([ada, ben]);
  const hers = await ada.room(room);
  const { field, page } = hers;
  await field.click();
  await page.keyboard.press("Enter");
  await page.keyboard.type("   ");
  await page.keyboard.press("Enter");
  await hers.shows([]);
  await field.fill("");
  const height = (await field.boundingBox())?.height ?? 0;
  await page.keyboard.type("One line");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("and another");
  assert.equal(await field.inputValue(), "One line\nand another");
  assert.ok(((await field.boundingBox())?.height ?? 0) > height, "the field grows");
  await page.keyboard.press("Enter");
  await until("it is sent", async () => (await hers.texts()).length === 1);
  await hers.settled();
  assert.equal((await field.boundingBox())?.height, height, "the field shrinks again");
  await ben.says(room, "Not hers");
  await until("his message has come", async () => (await hers.texts()).length === 2);

  await page.keyboard.press("ArrowUp");
  await page.getByText("Editing your message").waitFor();
  assert.equal(await field.inputValue(), "One line\nand another");
  await page.keyboard.type(", changed");
  await page.keyboard.press("Escape");
  await page.getByText("Editing your message").waitFor({ state: "hidden" });
  assert.equal(await field.inputValue(), "");
  await page.keyboard.press("ArrowUp");
  await field.fill("Changed");
  await page.keyboard.press("Enter");
  await hers.shows(["Changed", "Not hers"]);
  await page.keyboard.type("A draft");
  await hers.act("Changed", "edit");
  await page.keyboard.press("Escape");
  assert.equal(await field.inputValue(), "A draft", "what stood there before the edit is back");
});

test("language and theme are switched in the page and stay", async (t) => {
  const town = await startTown(t);
  const ada = await town.person("Ada");
  const { room } = await town.goal([ada]);
  const hers = await ada.room(room);
  const { page } = hers;
  await hers.field.fill("Half a sentence");
  await page.locator(".account-button").click();
  const ground = () => page.evaluate(() => getComputedStyle(document.body).color);
  const light = await ground();
  await page.getByRole("button", { name: "Dark" }).click();
  await becomes(async () => (await ground()) !== light, true);
  assert.equal(await hers.field.inputValue(), "Half a sentence", "the theme changes without a new page");
  await until("the choice is kept", async () => (await ada.context.cookies()).some(({ value }) => value === "dark"));
  await page.getByRole("button", { name: "Français" }).click();
  await page.locator("html[lang=fr]").waitFor();
  await hers.ready();
  assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
  await becomes(hers.words, "En direct");
  assert.equal(await hers.field.inputValue(), "Half a sentence", "the draft survives the change of language");
  assert.equal(await hers.field.getAttribute("placeholder"), "Écrire un message…");
  await page.goto("/goals");
  await page.getByRole("heading", { name: "Objectifs" }).first().waitFor();
});

test("days and times are the reader's own", async (t) => {
  const town = await startTown(t);
  const ada = await town.person("Ada", { timezoneId: "Pacific/Kiritimati", locale: "en-US" });
  const { room } = await town.goal([ada]);
  await ada.says(room, "What time is it?");
  const hers = await ada.room(room);
  const time = hers.entry("What time").locator("time.message-time");
  const expected = await time.evaluate((shown) => new Intl.DateTimeFormat("en-US", { hour: "numeric", minute: "2-digit" }).format(new Date(/** @type {HTMLTimeElement} */ (shown).dateTime)));
  assert.equal(await time.textContent(), expected);
  assert.equal(await ada.page.locator(".day-label").first().textContent(), "Today");
});
