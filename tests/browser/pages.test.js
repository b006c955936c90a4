import assert from "node:assert/strict";
import { test } from "node:test";
import { PASSWORD, startTown } from "./support/town.js";
import { until } from "./support/until.js";

/** @import { Person, Town } from "./support/town.js" */

/** Beyond what the page of a room lists. */
const CROWD = 54;

/**
 * People who are in a goal and have no page open.
 * @param {Town} town @param {Person} owner @param {number} goal @param {string[]} names
 */
async function crowd(town, owner, goal, names) {
  for (const name of names) {
    const form = (/** @type {Record<string, string>} */ fields) => ({ method: "POST", body: new URLSearchParams(fields), redirect: /** @type {const} */ ("manual") });
    const headers = { accept: "application/json" };
    const email = `${name.toLowerCase()}@crowd.example`;
    const answer = await fetch(`${town.url}/register`, { ...form({ email, password: PASSWORD, first_name: name, last_name: "Crowd" }), headers });
    const { user } = await answer.json();
    const cookie = answer.headers.getSetCookie().map((line) => line.split(";")[0]).join("; ");
    await fetch(`${town.url}/goal/${goal}/join`, { ...form({}), headers: { ...headers, cookie } });
    await owner.post(`/goal/${goal}/participation/${user.id}/approve`);
  }
}

test("the people of a large room: some are listed, all are counted, the others are found, named and known", async (t) => {
  const town = await startTown(t);
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const goal = await town.goal([ada, ben]);
  const names = Array.from({ length: CROWD }, (_, number) => `Zoe${number}`);
  await crowd(town, ada, goal.id, ["Ignace", ...names]);
  await ben.says(goal.room, "Who speaks is listed.");
  const room = await ada.room(goal.room);
  const { page } = ada;
  const listed = page.locator("#members [data-member]");
  assert.equal(await listed.count(), 50);
  assert.equal(await page.locator("#member-count").innerText(), String(CROWD + 3));
  assert.equal(await listed.filter({ hasText: "Ignace" }).count(), 0, "who came first and said nothing is not among the first fifty");
  for (const name of ["Ada", "Ben"]) assert.equal(await listed.filter({ hasText: name }).count(), 1, `${name} is`);

  await page.locator("#people-q").fill("ign");
  await page.locator("#people-results .person", { hasText: "Ignace Crowd" }).waitFor();
  assert.ok(await page.locator("#members").isHidden());
  await page.locator("#people-q").fill("nobody of that name");
  await page.getByText("Nobody of that name.").waitFor();
  await page.locator("#people-q").fill("");
  await page.locator("#members").waitFor({ state: "visible" });

  await page.locator("#composer-content").pressSequentially("Hello @ign");
  await page.locator("#suggest .suggest-line", { hasText: "Ignace Crowd" }).waitFor();
  await page.keyboard.press("Enter");
  assert.equal(await page.locator("#composer-content").inputValue(), "Hello @Ignace Crowd ");
  await page.keyboard.press("Enter");
  await page.locator(".message-body .mention", { hasText: "Ignace Crowd" }).waitFor();

  // One more comes, one goes: the count follows.
  await crowd(town, ada, goal.id, ["Late"]);
  await until("one more is counted", async () => (await page.locator("#member-count").innerText()) === String(CROWD + 4));
  await ben.post(`/goal/${goal.id}/leave`);
  await until("one less is counted", async () => (await page.locator("#member-count").innerText()) === String(CROWD + 3));
  void room;
});

test("who polls follows another mode with the next polls, and who listens does at once", async (t) => {
  const town = await startTown(t, { flags: ["--realtime", "polling"] });
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const goal = await town.goal([ada, ben]);
  await ben.room(goal.room);
  const state = () => ben.page.locator("#connection").getAttribute("data-state");
  await until("the page polls", async () => (await state()) === "polling");
  let polls = 0;
  ben.page.on("request", (request) => (polls += request.url().includes("/fetch?since=") ? 1 : 0));
  for (const [mode, shown] of [["hybrid", "live"], ["polling", "polling"], ["mercure", "live"]]) {
    polls = 0;
    await ada.post("/realtime/mode", { mode });
    await until(`the page is ${shown}`, async () => (await state()) === shown);
    assert.ok(polls <= 4, `${polls} polls, one every two seconds, until the page followed ${mode}`);
  }
});

test("the list of goals without a script: searched, ordered, and in pages", async (t) => {
  const town = await startTown(t);
  const ada = await town.person("Ada");
  for (let number = 0; number < 35; number += 1) await ada.post("/goal/new", { title: `Marathon ${String(number).padStart(2, "0")}`, description: number === 3 ? "À vélo" : "" });
  const { page } = await town.person("Ben", { javaScriptEnabled: false });
  await page.goto("/goals");
  const cards = page.locator(".goal-card h3");
  assert.equal(await cards.count(), 30);
  await page.getByRole("link", { name: "Further" }).click();
  assert.equal(await cards.count(), 5);
  await page.getByRole("link", { name: "To the beginning" }).click();
  await page.getByLabel("Order").selectOption("title");
  await page.getByRole("button", { name: "Show" }).click();
  assert.equal(await cards.first().innerText(), "Marathon 00");
  await page.getByLabel("Search in titles").fill("velo");
  await page.getByRole("button", { name: "Show" }).click();
  assert.deepEqual(await cards.allInnerTexts(), ["Marathon 03"]);
  await page.getByRole("button", { name: "Ask to join" }).click();
  await page.getByText("Your request is on its way").first().waitFor();
});
