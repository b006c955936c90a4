import assert from "node:assert/strict";
import { test } from "node:test";
import { DESK, PHONE, startTown } from "./support/town.js";
import { becomes, until } from "./support/until.js";

/** @import { Person } from "./support/town.js" */

/** What the bell says. @param {Person} person */
const bell = (person) => person.page.locator("#bell [data-bell-count]");

test("a name is chosen by keyboard, seen by all, and heard by whose it is", async (t) => {
  const town = await startTown(t);
  const ada = await town.person("Ada", { last: "Sow" });
  const ben = await town.person("Ben", { last: "Diop" });
  const zoe = await town.person("Zoé", { last: "Été" });
  const goal = await town.goal([ada, ben, zoe]);
  const hers = await ada.room(goal.room);
  const his = await ben.room(goal.room);
  await hers.link("live");
  await his.link("live");

  const list = ada.page.getByRole("listbox", { name: "People to mention" });
  const lines = () => list.getByRole("option").allTextContents();
  await hers.field.pressSequentially("Hello @");
  await list.waitFor();
  assert.equal(await hers.field.getAttribute("aria-activedescendant"), "suggest-0");
  assert.equal((await lines()).length, 3, "the two others and everybody");
  await hers.field.pressSequentially("ete");
  await becomes(lines, ["ZÉZoé Été"]);
  await hers.field.press("Escape");
  await list.waitFor({ state: "hidden" });
  await hers.field.press("Backspace");
  assert.equal(await list.isVisible(), false, "who said no is not asked again at the same place");
  await hers.field.fill("");
  await hers.field.fill("Hello @");
  await list.waitFor();
  await hers.field.press("ArrowDown");
  await hers.field.press("ArrowUp");
  await hers.field.press("Enter");
  assert.equal(await hers.field.inputValue(), "Hello @Ben Diop ");
  await list.waitFor({ state: "hidden" });
  await hers.field.pressSequentially("and @Z");
  await list.waitFor();
  await hers.field.press("Tab");
  assert.equal(await hers.field.inputValue(), "Hello @Ben Diop and @Zoé Été ");
  // Closed, the list takes no key.
  await hers.field.press("Enter");
  await his.entry("Hello @Ben Diop and @Zoé Été").waitFor();

  const named = his.page.locator("#messages .mention");
  await becomes(() => named.evaluateAll((all) => all.map((one) => `${one.textContent} ${one.classList.contains("is-me")}`)), [
    "@Ben Diop true", "@Zoé Été false",
  ]);
  await bell(ben).filter({ hasText: "1" }).waitFor();
  await ben.page.locator("#bell").click();
  const told = ben.page.locator("#notice-list .told", { hasText: "Ada Sow mentioned you in “Renovate the common room”" });
  await told.waitFor();
  assert.equal(await told.locator(".told-excerpt").textContent(), "Hello @Ben Diop and @Zoé Été");
  await ben.page.getByRole("button", { name: "Mark all as seen" }).click();
  await bell(ben).waitFor({ state: "hidden" });

  // Everybody at once: one's own call is not one's own mention.
  await hers.send("@all, Saturday?");
  await his.page.locator(".mention.is-me[data-user=all]").waitFor();
  assert.equal(await hers.page.locator(".mention.is-me").count(), 0);
});

test("what is read is seen, in every window; a level silences", async (t) => {
  const town = await startTown(t);
  const ada = await town.person("Ada");
  const ben = await town.person("Ben");
  const goal = await town.goal([ada, ben]);
  const other = await town.goal([ben], "A garden");
  // Ben looks at another room.
  const elsewhere = await ben.room(other.room);
  await elsewhere.link("live");
  await ben.post("/notifications/seen");
  await ada.says(goal.room, "@Ben, the key?");
  await bell(ben).filter({ hasText: "1" }).waitFor();
  const tab = await ben.tab(goal.room);
  await tab.entry("the key?").waitFor();
  await bell(ben).waitFor({ state: "hidden" });

  await tab.page.locator("#bell").click();
  const nothing = tab.page.getByRole("button", { name: "Nothing", exact: true });
  await nothing.click();
  await becomes(() => nothing.getAttribute("aria-pressed"), "true");
  await tab.page.keyboard.press("Escape");
  await ada.says(goal.room, "@Ben, are you there?");
  await tab.entry("are you there?").waitFor();
  await tab.reload();
  assert.equal(await tab.page.locator("#bell").getAttribute("data-level"), "none");
  const page = await ben.context.request.get("/notifications", { headers: { accept: "application/json" } });
  const { notices } = await page.json();
  assert.deepEqual(notices.filter((/** @type {any} */ one) => one.kind === "mention").map((/** @type {any} */ one) => one.excerpt), ["@Ben, the key?"]);
});

test("the settings, on a desk and on a telephone", async (t) => {
  const town = await startTown(t);
  for (const viewport of [DESK, PHONE]) {
    const ada = await town.person("Ada", { viewport });
    const { page } = ada;
    await page.goto("/settings");
    await page.getByRole("heading", { name: "Notifications on this browser" }).waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
    const show = page.getByRole("form", { name: "Show the text of messages" }).or(page.locator("form[aria-labelledby=push-text-label]")).first();
    await show.getByRole("button", { name: "Yes" }).click();
    await page.getByText("Saved.").waitFor();
    assert.equal(await show.getByRole("button", { name: "Yes" }).getAttribute("aria-pressed"), "true");
  }
});

test("the service worker registers at the root and shows what it is sent", async (t) => {
  // A context of the tests is what Chromium calls incognito: it offers no push there, and says so.
  const town = await startTown(t, { complaints: [/Push API in incognito/] });
  const ada = await town.person("Ada", { permissions: ["notifications"] });
  await ada.page.goto("/settings");
  // No push service answers here: an open page tells then, and says so.
  await ada.page.getByRole("button", { name: "Turn on" }).click();
  await ada.page.getByText("On while a page is open").or(ada.page.getByText("You will be told even when")).waitFor();
  const scope = () => ada.page.evaluate(async () => (await navigator.serviceWorker.ready).scope);
  await becomes(scope, `${town.url}/`);
  const session = await ada.context.newCDPSession(ada.page);
  /** @type {Promise<string>} */
  const registered = new Promise((resolve) => {
    session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => registrations[0] && resolve(registrations[0].registrationId));
  });
  await session.send("ServiceWorker.enable");
  const registrationId = await registered;
  const data = JSON.stringify({ title: "Common room", body: "Ben mentioned you", url: "/settings", tag: "room-1" });
  await session.send("ServiceWorker.deliverPushMessage", { origin: town.url, registrationId, data });
  const shown = () => ada.page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    return (await registration.getNotifications()).map(({ title, body }) => `${title}: ${body}`);
  });
  await becomes(shown, ["Common room: Ben mentioned you"]);
  await until("nothing else is shown", async () => (await shown()).length === 1);
});
