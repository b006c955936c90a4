import assert from "node:assert/strict";
import { test } from "node:test";
import { PHONE, startTown } from "./support/town.js";
import { becomes, until } from "./support/until.js";

const FINGER = { viewport: PHONE, hasTouch: true, isMobile: true };

test("a phone in one hand: drawers, actions behind the dots, Enter breaks the line", async (t) => {
  const town = await startTown(t);
  const [ada, ben] = [await town.person("Ada", FINGER), await town.person("Ben")];
  const goal = await town.goal([ada, ben]);
  const other = await town.goal([ada, ben], "The other goal");
  for (let n = 1; n <= 20; n += 1) await ben.says(goal.room, `Line ${n}`);
  await ben.says(goal.room, "Shall we?");
  const hers = await ada.room(goal.room);
  const { page, field } = hers;
  await hers.link("live");
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);

  const line = hers.entry("Shall we?").first();
  await line.locator("summary").first().tap();
  await line.locator("a[data-action=reply]").tap();
  await page.getByText("Replying to Ben Test").waitFor();
  await field.tap();
  await page.keyboard.type("Yes");
  await page.keyboard.press("Enter");
  await page.keyboard.type("we do");
  assert.equal(await field.inputValue(), "Yes\nwe do");
  await page.locator(".composer-send").tap();
  await until("the answer is there", async () => (await hers.texts()).at(-1) === "Yes\nwe do");
  await hers.settled();

  const last = page.locator("#messages .entry").last();
  await last.locator("summary").first().tap();
  await becomes(() => last.getByText("Delete").evaluate((tool) => {
    const box = tool.getBoundingClientRect();
    return document.elementFromPoint(box.left + box.width / 2, box.bottom - 2)?.closest(".tool") !== null;
  }), true);
  // Beside the sheet, what is under the finger is only shade.
  await page.touchscreen.tap(120, 80);
  await last.locator(".entry-tools").waitFor({ state: "hidden" });
  await line.locator("summary").first().tap();
  await line.locator(".entry-tools").waitFor();
  await page.touchscreen.tap(120, 80);
  await line.locator(".entry-tools").waitFor({ state: "hidden" });

  await ben.says(other.room, "Over here");
  await page.getByRole("button", { name: "Open the list of conversations" }).tap();
  const link = page.locator(`[data-room-link="${other.room}"]`);
  await becomes(() => link.locator(".unread").textContent(), "1");
  await link.tap();
  await hers.ready();
  await hers.shows(["Over here"]);
  await page.getByRole("button", { name: "Open the list of people" }).tap();
  await page.locator("#members .person", { hasText: "Ben Test" }).waitFor();

  // What a finger has to hit is large enough.
  await page.keyboard.press("Escape");
  const small = await page.evaluate(() => [...document.querySelectorAll("button, summary, a, textarea")]
    .map((control) => ({ control, box: control.getBoundingClientRect() }))
    .filter(({ control, box }) => box.width > 0 && box.height > 0 && !control.closest(".message") && (box.height < 40 || box.width < 36))
    .map(({ control, box }) => `${control.className || control.id} ${Math.round(box.width)}×${Math.round(box.height)}`)
    .filter((told) => !told.startsWith("skip-link")));
  assert.deepEqual(small, []);
});

test("a button pressed twice does its work once", async (t) => {
  const town = await startTown(t);
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  await ada.page.goto("/goal/new");
  await ada.page.getByLabel("Title").fill("Only one of these");
  await ada.page.getByRole("button", { name: "Create the goal" }).dblclick();
  await ada.page.locator("#chatroom[data-ready=true]").waitFor({ state: "attached" });
  await ben.page.goto("/goals");
  assert.equal(await ben.page.locator(".goal-card").count(), 1);
  await ben.page.getByRole("button", { name: "Ask to join" }).dblclick();
  await ben.page.getByText("Your request is on its way").first().waitFor();
  const request = ada.page.locator("#requests .person", { hasText: "Ben" });
  await request.getByRole("button", { name: "Accept" }).dblclick();
  await ada.page.locator("#members .person", { hasText: "Ben" }).waitFor();
  assert.equal(await ada.page.locator("#members .person").count(), 2);
});
