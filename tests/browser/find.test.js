/** Search, emoji, formatting, code, previews: as two people at their windows see them. */
import AxeBuilder from "@axe-core/playwright";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { roomOf } from "./support/room.js";
import { PHONE, startTown } from "./support/town.js";
import { becomes, until } from "./support/until.js";

/** @import { Page } from "playwright-core" */

/** What the browser says of axe, which measures with styles of its own. */
const MEASURING = /Applying inline style violates/;

/** @param {Page} page @param {string} what */
async function isAccessible(page, what) {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]).analyze();
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`), [], what);
}

test("a word is found without its accents, marked, and jumped to; and in all rooms", async (t) => {
  const town = await startTown(t, { complaints: [MEASURING] });
  const ada = await town.person("Ada", { locale: "fr-FR" });
  const ben = await town.person("Ben");
  const goal = await town.goal([ada, ben], "La fête du village");
  const other = await town.goal([ada], "Le jardin");
  await ben.says(goal.room, "Le concert d’été est <b>annulé</b>");
  for (let n = 0; n < 70; n += 1) await ben.says(goal.room, `ligne ${n}`);
  await ada.says(other.room, "On arrose tout l’été");
  const room = await ada.room(goal.room);
  await ada.page.keyboard.press("/");
  const field = ada.page.getByLabel("Que cherchez-vous ?");
  await field.fill("d'ete ANNUL");
  const results = ada.page.locator("#search-results .search-result");
  await becomes(() => results.count(), 1);
  assert.deepEqual(await results.locator("mark").allTextContents(), ["d’été", "annul"]);
  assert.match((await results.locator(".search-text").textContent()) ?? "", /<b>annulé<\/b>/);
  await isAccessible(ada.page, "the search");
  await field.fill("d'ete");
  await becomes(() => results.locator("mark").allTextContents(), ["d’été"]);
  await field.press("ArrowDown");
  await ada.page.keyboard.press("Enter");
  const line = ada.page.locator("#messages .entry", { hasText: "annulé" });
  await line.waitFor();
  await until("it is in view", () => line.evaluate((element) => element.getBoundingClientRect().top >= 0 && element.getBoundingClientRect().bottom <= innerHeight));

  await ada.page.locator("#search-open").click();
  await ada.page.getByText("Affiner").click();
  await ada.page.getByLabel("Toutes vos conversations").check();
  await field.fill("l’été");
  await becomes(() => results.locator(".search-where").allTextContents(), ["Le jardin"]);
  await results.first().click();
  await ada.page.waitForURL(`**/message/chatroom/${other.room}#message-*`);
  await room.ready();
  await ada.page.goto("/search?q=ete");
  await ada.page.getByRole("heading", { name: "Rechercher dans vos conversations" }).waitFor();
  assert.equal(await ada.page.locator(".search-result").count(), 2);
  await isAccessible(ada.page, "the page of a search");
});

test("a message far back is shown with what was said around it", async (t) => {
  const town = await startTown(t, { complaints: [MEASURING] });
  const ada = await town.person("Ada");
  const goal = await town.goal([ada]);
  await ada.says(goal.room, "before the needle");
  await ada.says(goal.room, "the needle itself");
  await ada.says(goal.room, "after the needle");
  for (let batch = 0; batch < 22; batch += 1) {
    await Promise.all(Array.from({ length: 50 }, (_, n) => ada.says(goal.room, `hay ${batch * 50 + n}`)));
  }
  await ada.room(goal.room);
  await ada.page.locator("#search-open").click();
  await ada.page.getByLabel("What are you looking for?").fill("needle itself");
  await ada.page.locator(".search-result").click();
  const dialog = ada.page.locator("#context-dialog");
  await dialog.getByText("the needle itself").waitFor();
  await dialog.getByText("before the needle").waitFor();
  await dialog.getByText("after the needle").waitFor();
  await isAccessible(ada.page, "the surroundings");
  await ada.page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
});

test("an emoji is found by keyboard in both languages and stands at the cursor", async (t) => {
  const town = await startTown(t, { complaints: [MEASURING] });
  const ada = await town.person("Ada", { locale: "fr-FR" });
  const goal = await town.goal([ada]);
  const room = await ada.room(goal.room);
  const { page } = ada;
  const picker = page.locator("#emoji-picker");
  await room.field.fill("Bravo  à tous");
  await room.field.evaluate((field) => /** @type {HTMLTextAreaElement} */ (field).setSelectionRange(6, 6));
  const button = page.locator("#composer-emoji");
  await button.focus();
  await page.keyboard.press("Enter");
  const search = page.getByLabel("Chercher un emoji");
  await until("the search has the focus", () => search.evaluate((field) => field === document.activeElement));
  await page.keyboard.type("fête");
  await becomes(async () => (await picker.locator(".emoji-cell").allTextContents()).includes("🎉"), true);
  await search.fill("tada");
  await becomes(() => picker.locator(".emoji-cell").first().textContent(), "🎉");
  await isAccessible(page, "the picker");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await becomes(() => room.field.inputValue(), "Bravo 🎉 à tous");
  await page.keyboard.type("!");
  assert.equal(await room.field.inputValue(), "Bravo 🎉! à tous");
  await button.click();
  await picker.getByRole("group", { name: "Récents" }).getByRole("option", { name: "cotillons" }).waitFor();
  await page.keyboard.press("Escape");
  await picker.waitFor({ state: "hidden" });
  await room.field.fill(":coeur_rou");
  await page.locator("#suggest [role=option]").first().waitFor();
  await room.field.press("Enter");
  await becomes(async () => (await room.field.inputValue()).trim(), "❤️");
});

test("keys and buttons format, the preview shows what is sent, and code has colours and a button that copies it", async (t) => {
  const town = await startTown(t, { complaints: [MEASURING] });
  const ada = await town.person("Ada");
  const ben = await town.person("Ben");
  const goal = await town.goal([ada, ben]);
  const [hers, his] = await Promise.all([ada.room(goal.room), ben.room(goal.room)]);
  await ada.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await hers.field.fill("a bold word");
  await hers.field.evaluate((field) => /** @type {HTMLTextAreaElement} */ (field).setSelectionRange(2, 6));
  await hers.field.press("Control+b");
  assert.equal(await hers.field.inputValue(), "a **bold** word");
  await hers.field.press("Control+z");
  assert.equal(await hers.field.inputValue(), "a bold word", "one step back");
  await ada.page.getByRole("button", { name: "Quote (Ctrl+Shift+9)" }).click();
  assert.equal(await hers.field.inputValue(), "> a bold word");
  await hers.field.fill("Look :tada:\n\n```js\nconst a = 1; // one\n```");
  await ada.page.getByRole("button", { name: "Preview before sending" }).click();
  const preview = ada.page.locator("#composer-preview .message-body");
  await preview.locator(".code-keyword").waitFor();
  assert.match((await preview.textContent()) ?? "", /Look 🎉/);
  await isAccessible(ada.page, "the preview");
  await hers.field.press("Enter");
  const block = ben.page.locator("#messages pre[data-language=js]");
  await block.waitFor();
  await ada.page.locator("#composer-preview").waitFor({ state: "hidden" });
  const colour = (/** @type {string} */ name) => block.locator(`.code-${name}`).first().evaluate((part) => getComputedStyle(part).color);
  assert.notEqual(await colour("keyword"), await colour("comment"));
  await isAccessible(ben.page, "code");
  const own = ada.page.locator("#messages .code-box");
  await own.hover();
  await own.getByRole("button", { name: "Copy the code" }).click();
  await becomes(() => ada.page.evaluate(() => navigator.clipboard.readText()), "const a = 1; // one");
  assert.ok((await his.texts()).every((text) => !text.includes("Copy")), "the button is no part of the message");
});

test("HTML that is pasted is text, and an address pasted over words links them", async (t) => {
  const town = await startTown(t, { complaints: [MEASURING] });
  const ada = await town.person("Ada");
  const goal = await town.goal([ada]);
  const room = await ada.room(goal.room);
  const paste = (/** @type {Record<string, string>} */ data) => room.field.evaluate((field, kinds) => {
    const clipboardData = new DataTransfer();
    for (const [kind, text] of Object.entries(kinds)) clipboardData.setData(kind, text);
    field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  }, data);
  await room.field.fill("see here");
  await room.field.evaluate((field) => /** @type {HTMLTextAreaElement} */ (field).setSelectionRange(4, 8));
  await paste({ "text/plain": "https://a.example/x", "text/html": "<img src=x onerror=alert(1)>" });
  assert.equal(await room.field.inputValue(), "see [here](https://a.example/x)");
  await room.send("<img src=x onerror=alert(1)>");
  await room.shows(["<img src=x onerror=alert(1)>"]);
});

test("what stands behind a link appears in both windows, and goes when its author says so", async (t) => {
  const town = await startTown(t, { complaints: [MEASURING] });
  const ada = await town.person("Ada");
  const ben = await town.person("Ben");
  const goal = await town.goal([ada, ben]);
  // The program reaches no private address, so what it would have found is put where it keeps it, once the message is there.
  const url = "https://commonrooms.example/lime-wash";
  const card = { url, title: "Lime wash on old walls", description: "What we learned <the hard way>", site: "Common rooms" };
  const [hers, his] = await Promise.all([ada.room(goal.room), ben.room(goal.room)]);
  await ada.page.route("**/preview", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), links: [card] } });
  });
  await hers.field.fill(`see ${url}`);
  await ada.page.getByRole("button", { name: "Preview before sending" }).click();
  await ada.page.locator("#composer-preview .link-card").getByText("Lime wash on old walls").waitFor();
  const sent = ada.page.waitForResponse((response) => response.request().method() === "POST" && response.url().endsWith(`/message/chatroom/${goal.room}`));
  await hers.field.press("Enter");
  const { message } = await (await sent).json();
  const insert = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('insert or replace into link_preview values (?, ?, ?, ?, ?)', sys.argv[3:]); c.execute('insert into message_link values (?, 0, ?)', sys.argv[2:4]); c.commit()";
  const row = [...Object.values(card), String(Date.now() * 1000)];
  execFileSync("python3", ["-c", insert, join(town.server.folder, "palabre.sqlite"), String(message.id), ...row]);
  // The next change of the message tells it to both windows.
  await ben.post(`/message/${message.id}/react/clap`);
  for (const { page } of [hers, his]) {
    const card = page.locator("#messages .link-card");
    await card.getByText("What we learned <the hard way>").waitFor();
    assert.equal(await card.getAttribute("href"), url);
  }
  await isAccessible(ben.page, "a preview");
  await ben.page.locator("#messages .entry", { hasText: url }).hover();
  assert.equal(await ben.page.locator("[data-action=previews] button").first().isVisible(), false, "his own it is not");
  const line = ada.page.locator("#messages .entry", { hasText: url });
  await line.hover();
  await line.locator(".tool-more > summary").click();
  await line.getByRole("button", { name: "Remove the link previews" }).click();
  for (const { page } of [hers, his]) await page.locator("#messages .link-card").waitFor({ state: "detached" });
  // Before sending: the preview's cross writes the address so that it has none.
  await hers.field.fill(`again ${url} !`);
  await ada.page.getByRole("button", { name: "Preview before sending" }).click();
  await ada.page.getByRole("button", { name: "Send without the preview of this link" }).click();
  await becomes(() => hers.field.inputValue(), `again <${url}> !`);
});

test("search and emoji fit a phone", async (t) => {
  const town = await startTown(t, { complaints: [MEASURING] });
  const ada = await town.person("Ada", { viewport: { ...PHONE, width: 360 }, hasTouch: true, isMobile: true });
  const goal = await town.goal([ada]);
  await ada.says(goal.room, "a word to find");
  await ada.room(goal.room);
  await ada.page.locator("#composer-emoji").tap();
  const picker = ada.page.locator("#emoji-picker");
  await picker.locator(".emoji-cell").first().waitFor();
  const box = await picker.boundingBox();
  assert.ok(box && box.x === 0 && box.width === 360, "a sheet");
  await ada.page.keyboard.press("Escape");
  await ada.page.locator("#search-open").tap();
  await ada.page.getByLabel("What are you looking for?").fill("word");
  await ada.page.locator(".search-result").tap();
  await until("the drawer is closed", () => ada.page.locator("#search-panel").isHidden());
  assert.equal(await ada.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
});

test("without a script the search is a page", async (t) => {
  const town = await startTown(t, { complaints: [MEASURING] });
  const ada = await town.person("Ada", { javaScriptEnabled: false });
  const goal = await town.goal([ada]);
  await ada.says(goal.room, "a word to find");
  await ada.page.goto(`/message/chatroom/${goal.room}`);
  assert.equal(await ada.page.locator("#composer-bar").isVisible(), false);
  await ada.page.locator("#search-open").click();
  await ada.page.getByLabel("What are you looking for?").fill("word");
  await ada.page.keyboard.press("Enter");
  await ada.page.locator(".search-result mark", { hasText: "word" }).click();
  await ada.page.waitForURL(/#message-\d+$/);
  assert.ok(roomOf(ada.page));
});
