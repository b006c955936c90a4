import assert from "node:assert/strict";
import { test } from "node:test";
import { drawPicture, give, slowDown } from "./support/pictures.js";
import { startTown } from "./support/town.js";
import { becomes, until } from "./support/until.js";

/** @import { Page } from "playwright-core" */
/** @import { Given } from "./support/pictures.js" */

/** @param {import("node:test").TestContext} t @param {object} [options] */
async function two(t, options) {
  const town = await startTown(t, options);
  const ada = await town.person("Ada");
  const ben = await town.person("Ben");
  const goal = await town.goal([ada, ben]);
  const [hers, his] = [await ada.room(goal.room), await ben.room(goal.room)];
  for (const room of [hers, his]) await room.link("live");
  return { town, ada, ben, goal, hers, his };
}

/** @param {string} name @param {string} text @returns {Given} */
const note = (name, text) => ({ name, mimeType: "text/plain", buffer: Buffer.from(text) });

/** @param {Page} page @param {string} name @param {number} [width] @returns {Promise<Given>} */
async function photo(page, name, width = 640) {
  return { name, mimeType: "image/png", buffer: await drawPicture(page, width, Math.round(width * 0.75), name) };
}

/** Names of the files in the list, as somebody sees them. @param {Page} page */
const files = (page) => page.$$eval("#messages [data-file]", (found) => found.map((file) => /** @type {HTMLElement} */ (file).dataset.name));

/** Bytes that nothing can make smaller. @param {number} size */
const noise = (size) => Buffer.from(Array.from({ length: size }, (_, at) => (at * 7919 + (at >> 8) * 31) % 251));

test("files that are dropped wait in the tray, go together, and are seen by the other", async (t) => {
  const { ada, ben, hers, his } = await two(t);
  await give(ada.page, "#scroller", "drop", [await photo(ada.page, "roof.png"), note("plan <b>.txt", "one")]);
  await becomes(() => ada.page.locator(".tray-file").count(), 2);
  assert.equal(await ada.page.locator(".tray-file img").getAttribute("alt"), "roof.png");
  await ada.page.getByRole("button", { name: "Remove plan <b>.txt" }).click();
  await give(ada.page, "#messages", "drop", [note("list.txt", "one, two")]);
  await hers.field.fill("Two things");
  await hers.field.press("Enter");
  await becomes(() => files(ben.page), ["roof.png", "list.txt"]);
  await his.shows(["Two things"]);
  await becomes(() => files(ada.page), ["roof.png", "list.txt"]);
  await hers.settled();
  assert.equal(await ada.page.locator(".tray-file").count(), 0);
  const picture = ben.page.locator(".picture img");
  assert.deepEqual([await picture.getAttribute("alt"), await picture.getAttribute("width"), await picture.getAttribute("height")], ["roof.png", "320", "240"]);
  await until("the picture is seen", () => picture.evaluate((image) => /** @type {HTMLImageElement} */ (image).naturalWidth === 480));
  const download = ben.page.waitForEvent("download");
  await ben.page.locator(".file-card", { hasText: "list.txt" }).click();
  assert.equal((await download).suggestedFilename(), "list.txt");
});

/** Known ways of getting this wrong, 1: what is pasted alone, without a word, is a message. */
test("a picture is pasted and sent without a word; it can be quoted", async (t) => {
  const { ada, ben, hers, his } = await two(t);
  await give(ada.page, "#composer-content", "paste", [await photo(ada.page, "screen.png")]);
  await ada.page.locator(".tray-file img").waitFor();
  await hers.field.press("Enter");
  await becomes(() => files(ben.page), ["screen.png"]);
  await ben.page.locator(".entry", { has: ben.page.locator(".picture") }).hover();
  await ben.page.locator(".entry:has(.picture) [data-action=reply]").first().click();
  await his.send("Lovely");
  await ada.page.locator(".entry-quote-excerpt", { hasText: "📎 screen.png" }).waitFor();
  await his.reload();
  await becomes(() => ben.page.locator(".entry-quote-excerpt").innerText(), "📎 screen.png");
});

test("what cannot be sent is told by its name before it goes", async (t) => {
  const { ada, hers } = await two(t, { flags: ["--file-limit", "2048"] });
  await give(ada.page, "#main", "drop", [note("small.txt", "x"), note("large.txt", "x".repeat(4_096)), note("empty.txt", "")]);
  await becomes(() => ada.page.locator(".tray-file .file-name").allInnerTexts(), ["small.txt"]);
  assert.equal(await hers.error.innerText(), "“large.txt” is too large: 4 kB, at most 2 kB. “empty.txt” is empty.");
  await give(ada.page, "#main", "drop", Array.from({ length: 11 }, (_, at) => note(`${at}.txt`, "x")));
  await becomes(() => ada.page.locator(".tray-file").count(), 10);
  assert.equal(await hers.error.innerText(), "At most 10 files a message.");
  await hers.field.press("Enter");
  await becomes(async () => (await files(ada.page)).length, 10);
  await becomes(() => hers.error.isVisible(), false);
});

test("an upload shows how far it is and can be stopped; everything comes back to the composer", async (t) => {
  const { ada, ben, hers, his } = await two(t);
  await slowDown(ada.page, 60_000);
  await give(ada.page, "#main", "drop", [{ name: "film.bin", mimeType: "application/octet-stream", buffer: noise(2_000_000) }]);
  await hers.field.fill("A film");
  await hers.field.press("Enter");
  const progress = ada.page.locator(".entry-upload progress");
  await until("it moves", () => progress.evaluate((bar) => /** @type {HTMLProgressElement} */ (bar).value > 0.02));
  assert.ok(await progress.evaluate((bar) => /** @type {HTMLProgressElement} */ (bar).value < 1));
  await ada.page.getByRole("button", { name: "Cancel sending" }).click();
  await hers.shows([]);
  await becomes(() => hers.field.inputValue(), "A film");
  await becomes(() => ada.page.locator(".tray-file .file-name").allInnerTexts(), ["film.bin"]);
  await slowDown(ada.page, 0);
  await hers.field.press("Enter");
  await his.shows(["A film"]);
  await becomes(() => files(ben.page), ["film.bin"]);
  await hers.settled();
});

test("a reload in the middle of an upload loses nothing and doubles nothing", async (t) => {
  const { ada, ben, hers, his } = await two(t);
  await slowDown(ada.page, 60_000);
  await give(ada.page, "#main", "drop", [{ name: "film.bin", mimeType: "application/octet-stream", buffer: noise(1_500_000) }, await photo(ada.page, "roof.png")]);
  await hers.field.fill("A film");
  await hers.field.press("Enter");
  await until("it moves", () => ada.page.locator(".entry-upload progress").evaluate((bar) => /** @type {HTMLProgressElement} */ (bar).value > 0.02));
  await hers.send("And a word");
  await hers.reload();
  await slowDown(ada.page, 0);
  await ada.page.evaluate(() => dispatchEvent(new Event("online")));
  await his.shows(["A film", "And a word"]);
  await becomes(() => files(ben.page), ["roof.png", "film.bin"]);
  await hers.settled();
  await hers.shows(["A film", "And a word"]);
  await hers.reload();
  await hers.shows(["A film", "And a word"]);
});

test("pictures are looked at in full with the keyboard alone", async (t) => {
  const { ada, ben, hers } = await two(t);
  for (const name of ["one.png", "two.png", "three.png"]) {
    await give(ada.page, "#main", "drop", [await photo(ada.page, name)]);
    await hers.field.press("Enter");
    await becomes(async () => (await files(ben.page)).includes(name), true);
  }
  const { page } = ben;
  const box = page.locator("#lightbox");
  await page.locator(".picture").first().focus();
  await page.keyboard.press("Enter");
  await box.waitFor();
  const shown = () => box.locator(".lightbox-picture").getAttribute("alt");
  assert.equal(await shown(), "one.png");
  assert.equal(await box.locator(".lightbox-count").innerText(), "1 of 3");
  for (const [key, name] of [["ArrowRight", "two.png"], ["ArrowRight", "three.png"], ["ArrowRight", "one.png"], ["ArrowLeft", "three.png"]]) {
    await page.keyboard.press(key);
    assert.equal(await shown(), name);
  }
  assert.equal(await box.locator(".lightbox-download").getAttribute("download"), "three.png");
  await until("it is whole", () => box.locator(".lightbox-picture").evaluate((image) => /** @type {HTMLImageElement} */ (image).naturalWidth === 640));
  await page.keyboard.press("Escape");
  await box.waitFor({ state: "hidden" });
  assert.equal(await page.evaluate(() => document.activeElement?.className), "picture", "the focus is where it was");
});

/** CVE-2026-24050: what a file is called is text, wherever it is shown. */
test("a hostile name runs nothing", async (t) => {
  const { ada, ben, hers } = await two(t);
  const name = "<img src=x onerror=alert(1)>'\"&.txt";
  await give(ada.page, "#main", "drop", [note(name, "x"), { ...(await photo(ada.page, "x")), name: "\"><script>alert(1)<.png" }]);
  await hers.field.press("Enter");
  await becomes(() => files(ben.page), ["\"><script>alert(1)<.png", name]);
  await ben.page.locator(".picture").click();
  assert.equal(await ben.page.locator(".lightbox-name").innerText(), "\"><script>alert(1)<.png");
  assert.equal(await ben.page.locator("#messages script, #messages img[src=x]").count(), 0);
});

test("without a script files go with the form", async (t) => {
  const town = await startTown(t);
  const ada = await town.person("Ada", { javaScriptEnabled: false });
  const ben = await town.person("Ben");
  const goal = await town.goal([ada, ben]);
  const his = await ben.room(goal.room);
  await his.link("live");
  await ada.page.goto(`/message/chatroom/${goal.room}`);
  await ada.page.getByLabel("Attach files").setInputFiles([note("one.txt", "one"), await photo(ben.page, "roof.png")]);
  await ada.page.getByRole("button", { name: "Send" }).click();
  await ada.page.locator(".picture img[alt='roof.png']").waitFor();
  await becomes(() => files(ben.page), ["roof.png", "one.txt"]);
  await ada.page.getByLabel("Your message").fill("Kept");
  await ada.page.getByLabel("Attach files").setInputFiles([note("empty.txt", "")]);
  await ada.page.getByRole("button", { name: "Send" }).click();
  await ada.page.getByText("This file is empty.").waitFor();
  assert.equal(await ada.page.getByLabel("Your message").inputValue(), "Kept");
});
