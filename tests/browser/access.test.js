import { AxeBuilder } from "@axe-core/playwright";
import assert from "node:assert/strict";
import { test } from "node:test";
import { drawPicture } from "./support/pictures.js";
import { DESK, PHONE, startTown } from "./support/town.js";

/** @import { Page } from "playwright-core" */
/** @import { Person, Town } from "./support/town.js" */

const SIZES = { desk: DESK, phone: PHONE };
/** The judge tries styles of its own to measure contrasts, and the page's policy says no. */
const MEASURING = /Applying inline style violates/;
const THEMES = /** @type {const} */ (["light", "dark"]);

/** @param {Page} page @param {string} where @param {boolean} [onlyColours] where all else was judged in the other theme */
async function judge(page, where, onlyColours = false) {
  const judging = new AxeBuilder({ page });
  const { violations } = await (onlyColours ? judging.withRules(["color-contrast"]) : judging).analyze();
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const told = serious.map(({ id, nodes }) => `${where}: ${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join("; ")}`);
  assert.deepEqual(told, []);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(overflow <= 0, `${where}: the page is ${overflow}px too wide`);
}

/** Every page in every size and theme. @param {Person} person @param {string[]} paths @param {(page: Page) => Promise<void>} [prepare] */
async function judgeAll(person, paths, prepare) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    await person.page.setViewportSize(viewport);
    for (const theme of THEMES) {
      await person.page.emulateMedia({ colorScheme: theme });
      for (const path of paths) {
        await person.page.goto(path);
        await prepare?.(person.page);
        await judge(person.page, `${path} (${size}, ${theme})`, theme === "dark");
      }
    }
  }
}

/** @param {Person} who @param {number} room @param {string} name @param {Buffer} buffer */
async function attach(who, room, name, buffer) {
  const file = { name, mimeType: "application/octet-stream", buffer };
  const answer = await who.context.request.post(`/message/chatroom/${room}`, { multipart: { attachment: file }, headers: { accept: "application/json" } });
  assert.equal(answer.status(), 201);
}

/** Two people and every sort of message. @param {Town} town */
async function talk(town) {
  const [ada, ben, caro] = [await town.person("Ada"), await town.person("Ben"), await town.person("Caro")];
  const goal = await town.goal([ada, ben]);
  const empty = await town.goal([ada], "A goal without a word");
  await caro.post(`/goal/${goal.id}/join`);
  const { message } = await ada.says(goal.room, "Hello **everybody**, see `palabre --help` and https://palabre.example/a/rather/long/address?with=a&query=too");
  await ben.post(`/message/chatroom/${goal.room}`, { content: "> quoted\n\n1. one\n2. two\n\n- [ ] to do\n- [x] done", reply_to: String(message.id) });
  await ada.says(goal.room, "```rust\nfn main() { println!(\"a line of code that is much longer than any phone is wide, so that it has to scroll\"); }\n```");
  await ada.says(goal.room, "| Day | Who |\n|---|---|\n| Saturday | Ben |");
  const gone = await ben.says(goal.room, "Forget this");
  await ben.post(`/message/${gone.message.id}/delete`);
  await ben.post(`/message/chatroom/${goal.room}`, { content: "About that…", reply_to: String(gone.message.id) });
  const edited = await ada.says(goal.room, "Eigth o'clock");
  await ada.post(`/message/${edited.message.id}/edit`, { content: "Eight o'clock, Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" });
  const webm = Buffer.from("1a45dfa39f4286810142f7810142f2810442f381084282847765626d", "hex");
  await attach(ada, goal.room, "roof.png", await drawPicture(ada.page, 700, 500));
  await attach(ben, goal.room, "A rather long name of a quote, in its final version.pdf", Buffer.from("%PDF-1.7"));
  await attach(ben, goal.room, "visit.webm", webm);
  return { ada, ben, caro, goal, empty };
}

test("the doors and the errors have no serious fault", async (t) => {
  const town = await startTown(t, { complaints: [MEASURING] });
  const nobody = await town.person("Nobody", { signedUp: false });
  await judgeAll(nobody, ["/register", "/login", "/goals", "/no/such/page"]);
  await nobody.page.goto("/login");
  await nobody.page.getByLabel("Email address").fill("nobody@palabre.example");
  await nobody.page.getByLabel("Password").fill("nothing");
  await nobody.page.getByRole("button", { name: "Sign in" }).click();
  await nobody.page.getByText("Wrong email address").waitFor();
  await judge(nobody.page, "a failed sign-in");
});

test("the goals have no serious fault", async (t) => {
  const town = await startTown(t, { complaints: [MEASURING] });
  const { ada, caro, goal, empty } = await talk(town);
  await judgeAll(ada, ["/goals", "/goal/new", `/goal/${goal.id}`, `/goal/${empty.id}`]);
  await judgeAll(caro, ["/goals", `/goal/${goal.id}`]);
  await ada.page.goto(`/goal/${goal.id}`);
  await ada.page.getByLabel("Manage Ben Test’s participation").click();
  await judge(ada.page, "a member's menu");
});

test("the room has no serious fault, full, empty, broken or in use", async (t) => {
  const town = await startTown(t, { complaints: [MEASURING] });
  const { ada, ben, goal, empty } = await talk(town);
  const ready = (/** @type {Page} */ page) => page.locator("#chatroom[data-ready=true]").waitFor({ state: "attached" });
  await judgeAll(ada, [`/message/chatroom/${goal.room}`, `/message/chatroom/${empty.room}`], ready);

  const { page } = ada;
  for (const theme of THEMES) {
    await page.emulateMedia({ colorScheme: theme });
    const hers = await ada.room(goal.room);
    await page.route("**/message/chatroom/*", (route) => {
      if (route.request().method() !== "POST") return route.fallback();
      return route.fulfill({ status: 422, contentType: "application/json", body: JSON.stringify({ error: { code: "invalid", message: "No.", fields: {} } }) });
    });
    await hers.send(`Refused in the ${theme}`);
    await hers.entry(`Refused in the ${theme}`).getByRole("button", { name: "Discard" }).waitFor();
    await page.unroute("**/message/chatroom/*");
    await hers.act("About that", "reply");
    await judge(page, `a failed message and a reply (${theme})`);
    await ada.context.setOffline(true);
    await hers.link("offline");
    await hers.send(`Offline in the ${theme}`);
    await judge(page, `offline (${theme})`);
    await ada.context.setOffline(false);
    await hers.entry(`Offline in the ${theme}`).waitFor();
    await hers.act("Hello", "delete");
    await page.getByRole("dialog").waitFor();
    await judge(page, `the question before deleting (${theme})`);
    await page.keyboard.press("Escape");
  }

  const his = await ben.room(goal.room);
  await ben.page.setViewportSize(PHONE);
  for (const theme of THEMES) {
    await ben.page.emulateMedia({ colorScheme: theme });
    for (const name of ["Open the list of conversations", "Open the list of people"]) {
      await ben.page.getByRole("button", { name }).click();
      await ben.page.locator(".panel:popover-open").waitFor();
      await judge(ben.page, `${name} (${theme})`);
      await ben.page.keyboard.press("Escape");
    }
  }
  await his.link("live");
});

test("the keyboard alone is enough", async (t) => {
  const town = await startTown(t, { complaints: [MEASURING] });
  const { ada, goal } = await talk(town);
  const hers = await ada.room(goal.room);
  const { page } = ada;
  await page.keyboard.press("Tab");
  const skip = page.getByRole("link", { name: "Skip to the message box" });
  await skip.waitFor();
  assert.equal(await skip.evaluate((link) => link === document.activeElement), true);
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.equal(await hers.field.evaluate((field) => field === document.activeElement), true);
  await page.keyboard.type("By keyboard");
  await page.keyboard.press("Enter");
  await hers.entry("By keyboard").waitFor();
  await hers.settled();
  const line = hers.entry("By keyboard");
  await line.locator("a[data-action=reply]").focus();
  await page.keyboard.press("Enter");
  await page.getByText("Replying to Ada Test").waitFor();
  assert.equal(await hers.field.evaluate((field) => field === document.activeElement), true);
  await page.keyboard.press("Escape");
  await page.getByText("Replying to Ada Test").waitFor({ state: "hidden" });
});
