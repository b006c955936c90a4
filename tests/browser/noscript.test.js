import assert from "node:assert/strict";
import { test } from "node:test";
import { PASSWORD, startTown } from "./support/town.js";

/** @import { Page } from "playwright-core" */

const OPTIONS = { signedUp: false, javaScriptEnabled: false };

/** @param {Page} page @param {string} first @param {string} email */
async function register(page, first, email) {
  await page.goto("/register");
  await page.getByLabel("First name").fill(first);
  await page.getByLabel("Last name").fill("Test");
  await page.getByLabel("Email address").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.locator("form.form button[type=submit]").click();
}

/** @param {Page} page @param {string} text */
async function send(page, text) {
  await page.getByLabel("Your message").fill(text);
  await page.getByRole("button", { name: "Send" }).click();
  await page.locator(".message-body", { hasText: text.replaceAll("*", "") }).last().waitFor();
}

/** @param {Page} page @param {string} text @param {"Reply" | "Edit" | "Delete"} name */
async function act(page, text, name) {
  const line = page.locator(".entry", { has: page.locator(".message-body", { hasText: text }) }).first();
  await line.hover();
  const tool = line.locator("a.tool, button.tool", { hasText: name });
  for (const menu of await line.locator("summary").all()) {
    if (!(await tool.isVisible()) && (await menu.isVisible())) await menu.click();
  }
  await tool.click();
}

/** @param {Page} page */
const texts = (page) => page.locator(".entry:not(.is-system) .message-body").allInnerTexts();

test("everything works without a script", async (t) => {
  const town = await startTown(t);
  const { page: ada } = await town.person("Ada", OPTIONS);
  const { page: ben } = await town.person("Ben", OPTIONS);

  await register(ada, "Ada", "ada@palabre.example");
  await ada.getByRole("link", { name: "New goal" }).first().click();
  await ada.getByLabel("Title").fill("No script needed");
  await ada.getByRole("button", { name: "Create the goal" }).click();
  await ada.getByText("The goal is created.").waitFor();
  await ada.locator("noscript p", { hasText: "Without JavaScript" }).waitFor();
  const room = new URL(ada.url()).pathname;
  await send(ada, "Good **morning**");

  await register(ben, "Ben", "ben@palabre.example");
  await ben.goto("/goals");
  await ben.getByRole("button", { name: "Ask to join" }).click();
  await ben.getByText("Your request is on its way").first().waitFor();
  assert.equal((await ben.goto(room))?.status(), 404, "whoever only asked does not see the room");

  await ada.reload();
  await ada.getByRole("button", { name: "Accept Ben Test" }).click();
  await ada.getByText("The request is accepted.").waitFor();
  await ben.goto("/goals");
  await ben.getByRole("link", { name: "Open the conversation" }).click();
  assert.deepEqual(await texts(ben), ["Good morning"]);

  await act(ben, "Good morning", "Reply");
  await ben.getByText("Replying to Ada Test").waitFor();
  await send(ben, "Good day to you");
  assert.match((await ben.locator(".entry-quote").innerText()).replace(/\s+/g, " "), /Ada Test Good morning/);
  await act(ben, "Good day to you", "Edit");
  await ben.getByLabel("Your message").fill("Good day to you all");
  await ben.getByRole("button", { name: "Save" }).click();
  await ben.locator(".message-edited").waitFor();
  await ada.goto(room);
  assert.deepEqual(await texts(ada), ["Good morning", "Good day to you all"]);

  await act(ada, "Good day to you all", "Delete");
  await ada.locator(".message[data-deleted]").waitFor();
  assert.deepEqual(await texts(ada), ["Good morning", ""]);

  // Too long: refused in words, and the text is still there.
  const long = "word ".repeat(2_100);
  await ada.getByLabel("Your message").fill(long);
  await ada.getByRole("button", { name: "Send" }).click();
  await ada.locator("#composer-error", { hasText: "10000 at most" }).or(ada.locator("#composer-error", { hasText: "10,000 at most" })).waitFor();
  assert.equal((await ada.getByLabel("Your message").inputValue()).trim(), long.trim());

  await ada.goto("/goals");
  await ada.locator(".account-button").click();
  await ada.getByRole("button", { name: "Sign out" }).click();
  await ada.getByText("You are signed out.").waitFor();
  await ada.goto(room);
  await ada.waitForURL(/\/login/);
  await ada.getByLabel("Email address").fill("ada@palabre.example");
  await ada.getByLabel("Password").fill("a wrong one");
  await ada.locator("form.form button[type=submit]").click();
  await ada.getByText("Wrong email address or password.").waitFor();
  assert.equal(await ada.getByLabel("Email address").inputValue(), "ada@palabre.example");
  await ada.getByLabel("Password").fill(PASSWORD);
  await ada.locator("form.form button[type=submit]").click();
  await ada.waitForURL(`**${room}`);
});

test("without a script the room opens at its end, and the history has pages", async (t) => {
  const town = await startTown(t);
  const ada = await town.person("Ada", { javaScriptEnabled: false });
  const { room } = await town.goal([ada]);
  for (let n = 1; n <= 120; n += 1) await ada.says(room, `Line ${n}.`);
  const { page } = ada;
  await page.goto(`/message/chatroom/${room}`);
  assert.deepEqual((await texts(page)).at(-1), "Line 120.");
  assert.equal(await page.locator(".message-body", { hasText: "Line 120." }).evaluate((line) => line.getBoundingClientRect().bottom < innerHeight), true);
  await page.getByRole("link", { name: "Show earlier messages" }).click();
  const earlier = await texts(page);
  assert.deepEqual([earlier[0], earlier.at(-1)], ["Line 21.", "Line 70."]);
  await page.getByRole("link", { name: "Show earlier messages" }).click();
  assert.equal((await texts(page))[0], "Line 1.");
  assert.equal(await page.getByRole("link", { name: "Show earlier messages" }).isVisible(), false);
});

test("a form that is refused keeps what was typed", async (t) => {
  const town = await startTown(t);
  const { page } = await town.person("Ada", OPTIONS);
  await page.goto("/register");
  await page.getByLabel("First name").fill("Ada");
  await page.getByLabel("Last name").fill("Sow");
  await page.getByLabel("Email address").fill("ada@palabre.example");
  await page.getByLabel("Password").fill("short");
  await page.locator("form.form button[type=submit]").click();
  await page.locator(".field-error").waitFor();
  assert.equal(await page.getByLabel("First name").inputValue(), "Ada");
  assert.equal(await page.getByLabel("Email address").inputValue(), "ada@palabre.example");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.locator("form.form button[type=submit]").click();
  await page.goto("/goal/new");
  await page.getByLabel("Title").fill("ab");
  await page.getByLabel("Description").fill("What I had to say");
  await page.getByRole("button", { name: "Create the goal" }).click();
  await page.getByText("Between 3 and 255 characters.").waitFor();
  assert.equal(await page.getByLabel("Title").inputValue(), "ab");
  assert.equal(await page.getByLabel("Description").inputValue(), "What I had to say");
});
