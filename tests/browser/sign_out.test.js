import assert from "node:assert/strict";
import { test } from "node:test";
import { startTown } from "./support/town.js";
import { becomes } from "./support/until.js";

/** All that this browser keeps for scripts. @param {import("playwright-core").Page} page */
const kept = (page) => page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));

test("s19: signing out takes the drafts of the person out of the browser, in every tab, and going back shows nothing", async (t) => {
  const town = await startTown(t);
  const ada = await town.person("Ada");
  const { room } = await town.goal([ada]);
  const other = await town.goal([ada], "Another goal");
  await ada.says(room, "Said in private");
  const hers = await ada.room(room);
  await hers.shows(["Said in private"]);
  const second = await ada.page.context().newPage();
  await second.goto(`/message/chatroom/${other.room}`);
  await second.locator("#composer [name=content], form [name=content]").first().fill("Half a thought elsewhere");
  await hers.field.fill("Half a thought");
  await becomes(async () => (await kept(ada.page)).includes("Half a thought elsewhere"), true);
  await ada.page.locator(".account-button").click();
  await Promise.all([ada.page.waitForURL(/\/login/), ada.page.locator("form[data-sign-out] button").click()]);
  await second.waitForURL(/\/login/);
  assert.doesNotMatch(await kept(ada.page), /thought|palabre:draft|palabre:place/);
  await second.close();
  await ada.page.goBack();
  await ada.page.waitForLoadState();
  assert.doesNotMatch(await ada.page.content(), /Said in private|Half a thought/);
});

test("s19: what is not sent yet is asked about before it goes", async (t) => {
  const town = await startTown(t);
  const ada = await town.person("Ada");
  const { room } = await town.goal([ada]);
  const hers = await ada.room(room);
  await ada.page.route(`**/message/chatroom/${room}`, (route) => (route.request().method() === "POST" ? route.abort() : route.fallback()));
  await hers.field.fill("Not sent yet");
  await hers.field.press("Enter");
  await hers.shows(["Not sent yet"]);
  const signOut = async () => {
    await ada.page.locator(".account-button").click();
    await ada.page.locator("form[data-sign-out] button").click();
    await ada.page.getByText("1 message has not left this browser. It is lost when you sign out now.").waitFor();
  };
  await signOut();
  await ada.page.getByRole("button", { name: "Cancel" }).filter({ visible: true }).click();
  await hers.shows(["Not sent yet"]);
  await signOut();
  await Promise.all([ada.page.waitForURL(/\/login/), ada.page.getByRole("button", { name: "Sign out all the same" }).click()]);
  const left = await ada.page.evaluate(() => new Promise((resolve) => {
    const opening = indexedDB.open("palabre", 1);
    opening.onsuccess = () => {
      const all = opening.result.transaction("outbox").objectStore("outbox").getAll();
      all.onsuccess = () => resolve(all.result.length);
    };
  }));
  assert.equal(left, 0);
});
