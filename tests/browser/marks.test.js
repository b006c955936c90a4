import { AxeBuilder } from "@axe-core/playwright";
import assert from "node:assert/strict";
import { test } from "node:test";
import { PHONE, startTown } from "./support/town.js";
import { becomes, until } from "./support/until.js";

/** @import { Page } from "playwright-core" */

const MEASURING = /Applying inline style violates/;

/** @param {Page} page @param {string} where */
async function judge(page, where) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  assert.deepEqual(serious.map(({ id, nodes }) => `${where}: ${id}: ${nodes.map(({ target }) => target).join("; ")}`), []);
}

test("a reaction is seen at once in both windows, by click and by keyboard, and is undone when it is refused", async (t) => {
  const town = await startTown(t, { complaints: [MEASURING] });
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const { room } = await town.goal([ada, ben]);
  await ada.says(room, "Shall we begin?");
  const [hers, his] = [await ada.room(room), await ben.room(room)];
  await his.react("Shall we begin?", "👍");
  await becomes(() => his.chips("Shall we begin?"), ["👍 1"]);
  await becomes(() => hers.chips("Shall we begin?"), ["👍 1"]);
  const chip = hers.entry("Shall we begin?").locator(".reaction");
  assert.deepEqual(await Promise.all(["aria-pressed", "aria-label"].map((name) => chip.getAttribute(name))), ["false", "👍, Ben Test (1)"]);
  await chip.focus();
  await ada.page.keyboard.press("Enter");
  await becomes(() => his.chips("Shall we begin?"), ["👍 2"]);
  assert.equal(await chip.getAttribute("aria-pressed"), "true");
  assert.equal(await chip.evaluate((button) => button === document.activeElement), true, "the focus stays where it was");
  await judge(ada.page, "reactions");
  await hers.act("Shall we begin?", "reactions");
  assert.match(await ada.page.getByRole("dialog").innerText(), /👍\s*Ben Test, Ada Test/);
  await ada.page.keyboard.press("Escape");

  // The server says no: what was shown is taken back, and said.
  await ada.page.route("**/react/**", (route) => route.fulfill({ status: 409, contentType: "application/json", body: JSON.stringify({ error: { code: "conflict", message: "Not now.", fields: {} } }) }));
  await hers.react("Shall we begin?", "🔥");
  await ada.page.locator(".toast", { hasText: "Not now." }).waitFor();
  await becomes(() => hers.chips("Shall we begin?"), ["👍 2"]);
  await ada.page.unroute("**/react/**");
  // A quick change of mind: the last wish holds.
  await chip.click();
  await chip.click();
  await chip.click();
  await becomes(() => his.chips("Shall we begin?"), ["👍 1"]);
  await hers.reload();
  assert.deepEqual(await hers.chips("Shall we begin?"), ["👍 1"]);
  await his.react("Shall we begin?", "👍");
  await becomes(() => hers.chips("Shall we begin?"), []);
});

test("any emoji is at hand", async (t) => {
  const town = await startTown(t);
  const ada = await town.person("Ada");
  const { room } = await town.goal([ada]);
  await ada.says(room, "It is done");
  const hers = await ada.room(room);
  await hers.act("It is done", "react-more");
  await ada.page.getByRole("searchbox").or(ada.page.getByRole("combobox")).first().fill("tada");
  await ada.page.locator("button, [role=option], [role=gridcell]").filter({ hasText: /^🎉$/ }).first().click();
  await becomes(() => hers.chips("It is done"), ["🎉 1"]);
});

test("what is pinned stands above the talk for everybody, follows its message, and leads to it", async (t) => {
  const town = await startTown(t, { complaints: [MEASURING] });
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const { room } = await town.goal([ada, ben]);
  const first = await ben.says(room, "The key is under the mat");
  await ben.says(room, "The code is 4711");
  for (let n = 1; n <= 60; n += 1) await ada.says(room, `Line ${n}.`);
  const [hers, his] = [await ada.room(room), await ben.room(room)];
  await ada.post(`/message/${first.message.id}/pin`);
  const banner = ben.page.locator("#pins");
  await banner.getByText("The key is under the mat").waitFor();
  await hers.act("Line 60.", "pin");
  await becomes(() => banner.locator(".pins-count").textContent(), "1 / 2");
  await hers.entry("Line 60.").and(ada.page.locator(".is-pinned")).waitFor();
  await judge(ada.page, "pins");
  // Each click leads one further back.
  await banner.locator("a").first().click();
  await becomes(() => banner.locator(".pins-excerpt").textContent(), "The key is under the mat");
  await banner.locator("a").first().click();
  const far = his.entry("The key is under the mat");
  await until("the old one is in sight", () => far.evaluate((line) => line.getBoundingClientRect().top > 0 && line.getBoundingClientRect().bottom < innerHeight));
  await ben.post(`/message/${first.message.id}/edit`, { content: "The key is with Ada" });
  await ada.page.locator("#pins-all").click();
  const list = ada.page.getByRole("dialog");
  await list.getByText("The key is with Ada").waitFor();
  await judge(ada.page, "the list of pins");
  await list.getByRole("button", { name: "Unpin" }).first().click();
  await becomes(() => banner.locator(".pins-count").textContent(), "1");
  assert.equal(await ben.page.locator("#pins-dialog [data-quoted-act]").first().isVisible(), false);
  await ben.post(`/message/${first.message.id}/delete`);
  await banner.waitFor({ state: "hidden" });
});

test("what one hides is gone on all of one's devices and on nobody else's, and comes back", async (t) => {
  const town = await startTown(t, { complaints: [MEASURING] });
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const { room } = await town.goal([ada, ben]);
  await ada.says(room, "Weather again");
  await ada.says(room, "To the matter");
  const [hers, his] = [await ada.room(room), await ben.room(room)];
  const tab = await ben.tab(room);
  await his.act("Weather again", "hide");
  for (const one of [his, tab]) await one.entry("Weather again").waitFor({ state: "hidden" });
  await ben.page.locator(".toast").getByRole("button", { name: "Undo" }).click();
  for (const one of [his, tab]) await one.entry("Weather again").waitFor({ state: "visible" });
  await his.act("Weather again", "hide");
  await tab.entry("Weather again").waitFor({ state: "hidden" });
  await his.reload();
  assert.equal(await his.entry("Weather again").isVisible(), false);
  assert.equal(await hers.entry("Weather again").isVisible(), true);
  await ben.page.getByRole("link", { name: "Hidden messages" }).click();
  const dialog = ben.page.getByRole("dialog");
  await judge(ben.page, "hidden messages");
  await dialog.getByRole("button", { name: "Show again" }).click();
  await dialog.getByText("You have hidden no message here.").waitFor();
  await ben.page.keyboard.press("Escape");
  for (const one of [his, tab]) await one.entry("Weather again").waitFor({ state: "visible" });
});

test("hiding travels to a device that polls", async (t) => {
  const town = await startTown(t, { flags: ["--realtime", "polling"] });
  const ada = await town.person("Ada");
  const { room } = await town.goal([ada]);
  const { message } = await ada.says(room, "Not now");
  const hers = await ada.room(room);
  await ada.post(`/message/${message.id}/hide`);
  await hers.entry("Not now").waitFor({ state: "hidden" });
});

test("a link to a message leads there, however old, and says so when there is none", async (t) => {
  const town = await startTown(t);
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const { room } = await town.goal([ada, ben]);
  const other = await town.goal([ada], "A room of her own");
  const secret = await ada.says(other.room, "Nobody else reads this");
  const old = await ada.says(room, "Where it all began");
  const gone = await ada.says(room, "Never mind");
  await ada.post(`/message/${gone.message.id}/delete`);
  for (let n = 1; n <= 160; n += 1) await ada.says(room, `Line ${n}.`);
  await ada.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const hers = await ada.room(room);
  await hers.act("Line 160.", "copy-link");
  await ada.page.locator(".toast", { hasText: "Link copied." }).waitFor();
  const copied = await ada.page.evaluate(() => navigator.clipboard.readText());
  assert.match(copied, new RegExp(`^${town.url}/message/chatroom/${room}#message-\\d+$`));

  const { page } = ben;
  const arrives = (/** @type {number} */ id) => page.goto(`/message/chatroom/${room}?x=${id}#message-${id}`);
  await arrives(old.message.id);
  const line = page.locator(".entry", { hasText: "Where it all began" });
  await until("the first message is in sight", () => line.evaluate((one) => one.getBoundingClientRect().top > 0 && one.getBoundingClientRect().bottom < innerHeight));
  await arrives(gone.message.id);
  await page.locator(".toast", { hasText: "This link leads to a deleted message." }).waitFor();
  for (const id of [secret.message.id, 999_999]) {
    await arrives(id);
    await page.locator(".toast", { hasText: "does not exist, or is not open to you" }).waitFor();
  }
  await page.goto(`/message/${old.message.id}`);
  await line.waitFor();
  assert.equal(new URL(page.url()).search, "");
});

test("a message is forwarded as a quote, and says no more than the sender lets it", async (t) => {
  const town = await startTown(t, { complaints: [MEASURING] });
  const [ada, ben, caro] = [await town.person("Ada"), await town.person("Ben"), await town.person("Caro")];
  const source = await town.goal([ada, ben], "The secret garden");
  const target = await town.goal([ben, caro], "Tools to lend");
  await ada.says(source.room, "We need a **ladder**\nand two spades");
  const [his, theirs] = [await ben.room(source.room), await caro.room(target.room)];
  await his.act("We need a", "forward");
  const dialog = ben.page.getByRole("dialog");
  await judge(ben.page, "the forward dialog");
  await dialog.getByRole("searchbox").fill("TÓOLS");
  assert.deepEqual(await dialog.locator(".forward-rooms button").allTextContents(), ["Tools to lend"]);
  await dialog.getByRole("button", { name: "Tools to lend" }).click();
  const copy = theirs.entry("We need a ladder");
  await copy.locator("blockquote strong", { hasText: "Ada Test" }).waitFor();
  assert.equal((await caro.page.content()).includes("secret garden"), false, "not where it was said");
  await his.act("We need a", "forward");
  await dialog.getByLabel("Name its author").uncheck();
  await dialog.getByLabel("Add a link").check();
  await dialog.getByRole("button", { name: "Tools to lend" }).click();
  await until("the second has come", async () => (await theirs.texts()).length === 2);
  const second = theirs.page.locator("#messages .entry:not(.is-system)").nth(1);
  assert.equal((await second.locator("blockquote").innerText()).includes("Ada"), false);
  const address = (await second.locator("blockquote a").getAttribute("href")) ?? "";
  assert.equal((await caro.page.goto(address))?.status(), 404, "the link opens for who may see it");
  await ben.page.goto(address);
  await ben.page.locator(".entry", { hasText: "We need a" }).first().waitFor();
});

test("what a message said before is there for its author and for who moderates", async (t) => {
  const town = await startTown(t, { complaints: [MEASURING] });
  const [ada, ben, caro] = [await town.person("Ada"), await town.person("Ben"), await town.person("Caro")];
  const { room } = await town.goal([ada, ben, caro]);
  const { message } = await ben.says(room, "At eigth");
  const [hers, theirs] = [await ada.room(room), await caro.room(room)];
  await ben.post(`/message/${message.id}/edit`, { content: "At eight" });
  await hers.entry("At eight").locator(".message-edited").waitFor();
  await hers.act("At eight", "versions");
  assert.match(await ada.page.getByRole("dialog").innerText(), /Present version[^]*At eight[^]*At eigth/);
  await judge(ada.page, "earlier versions");
  await theirs.entry("At eight").locator(".message-edited").waitFor();
  assert.equal(await theirs.entry("At eight").locator("[data-action=versions]:not([hidden])").count(), 0);
});

test("a room is locked while somebody types, archived and deleted, live in every window and in both languages", async (t) => {
  const town = await startTown(t);
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben", { locale: "fr-FR" })];
  const goal = await town.goal([ada, ben], "Paint the hall");
  const [hers, his] = [await ada.room(goal.room), await ben.room(goal.room)];
  await his.field.fill("Ce que je voulais dire");
  await ada.page.getByRole("button", { name: "Lock", exact: true }).click();
  await his.field.waitFor({ state: "hidden" });
  await ben.page.getByText("Cette conversation est verrouillée").waitFor();
  await ada.page.getByRole("button", { name: "Unlock" }).click();
  await his.field.waitFor({ state: "visible" });
  assert.equal(await his.field.inputValue(), "Ce que je voulais dire", "nothing typed is lost");
  await ada.page.getByRole("button", { name: "Archive" }).click();
  await ben.page.locator(".rooms-archived", { hasText: "Paint the hall" }).waitFor();
  await ada.page.getByRole("button", { name: "Restore" }).click();
  await ben.page.locator(".rooms-archived").waitFor({ state: "detached" });
  await ada.post(`/goal/${goal.id}/edit`, { title: "Paint the hall red", status: "completed" });
  await ben.page.getByRole("heading", { name: "Paint the hall red", level: 1 }).waitFor();
  const told = ["joined the conversation.", "locked the conversation.", "opened the conversation again.", "archived the conversation.", "restored the conversation.",
    "renamed the goal: Paint the hall red", "declared the goal reached."];
  await becomes(() => hers.told(), told.map((end, at) => `${at === 0 ? "Ben" : "Ada"} Test ${end}`));
  const dit = ["Ben Test a rejoint la conversation.", "Ada Test a verrouillé la conversation."];
  assert.deepEqual((await his.told()).slice(0, 2), dit);
  assert.equal(await his.badge(goal.room).isVisible(), false, "none of it is an unread message");
  await his.reload();
  assert.deepEqual((await his.told()).slice(0, 2), dit);
  await ada.page.goto(`/goal/${goal.id}/edit`);
  await ada.page.getByLabel("To confirm").fill("Paint the hall red");
  await ada.page.getByRole("button", { name: "Delete for ever" }).click();
  await ada.page.getByText("The goal is deleted.").waitFor();
  await his.field.waitFor({ state: "hidden" });
  await ben.page.locator(".read-only:is(.is-deleted, .is-removed)").filter({ visible: true }).waitFor();
  assert.equal((await ben.page.goto(`/message/chatroom/${goal.room}`))?.status(), 404);
});

test("on a phone the tools are a sheet under the thumb", async (t) => {
  const town = await startTown(t, { complaints: [MEASURING] });
  const ada = await town.person("Ada", { viewport: { ...PHONE, width: 360 }, hasTouch: true, isMobile: true });
  const { room } = await town.goal([ada]);
  await ada.says(room, "Held in one hand");
  const hers = await ada.room(room);
  const line = hers.entry("Held in one hand");
  await line.locator(".entry-more").tap();
  const sheet = line.locator(".entry-tools");
  await sheet.waitFor();
  const box = await sheet.boundingBox();
  assert.ok(box && box.x === 0 && box.width === 360 && Math.abs(box.y + box.height - PHONE.height) < 2, "along the lower edge");
  for (const tool of await sheet.locator(".tool:visible, .tool-emoji:visible").all()) {
    assert.ok(((await tool.boundingBox())?.height ?? 0) >= 40, "large enough for a thumb");
  }
  await judge(ada.page, "the sheet");
  await sheet.locator('[data-react="❤️"]').tap();
  await becomes(() => hers.chips("Held in one hand"), ["❤️ 1"]);
  await sheet.waitFor({ state: "hidden" });
});
