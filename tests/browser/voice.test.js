import { AxeBuilder } from "@axe-core/playwright";
import assert from "node:assert/strict";
import { test } from "node:test";
import { PHONE, startTown } from "./support/town.js";
import { becomes, until } from "./support/until.js";

/** @import { Page } from "playwright-core" */


/** Chromium's microphone that beeps, without a question to anybody. */
const MICROPHONE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--autoplay-policy=no-user-gesture-required"];

/** @param {Page} page */
function recorderOf(page) {
  const button = (/** @type {string} */ name) => page.locator(".recorder").getByRole("button", { name, exact: true });
  return {
    row: page.locator(".recorder"),
    open: () => page.getByRole("button", { name: "Record a voice message" }).click(),
    state: (/** @type {string} */ state) => page.locator(`.recorder[data-state="${state}"]`).waitFor(),
    /** Until so many seconds are on its clock. @param {number} seconds */
    runs: (seconds) => until(`${seconds} s are recorded`, async () => {
      const [minutes, rest] = ((await page.locator(".recorder-time").textContent()) ?? "0:0").split(":").map(Number);
      return minutes * 60 + rest >= seconds;
    }),
    pause: () => button("Pause").click(),
    resume: () => button("Go on recording").click(),
    stop: () => button("Finish, to listen to it").click(),
    send: () => button("Send the voice message").click(),
    discard: () => button("Discard the recording").click(),
  };
}

/** @param {Page} page */
const voices = (page) => page.locator("#messages .voice.is-dressed");

/** @param {Page} page @param {number} seconds */
async function record(page, seconds = 1) {
  const recorder = recorderOf(page);
  await recorder.open();
  await recorder.state("recording");
  await recorder.runs(seconds);
  await recorder.stop();
  await recorder.state("ready");
  return recorder;
}

test("a voice is recorded, paused, listened to and sent; in the other window it is heard", async (t) => {
  const town = await startTown(t, { chromium: MICROPHONE });
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const { room } = await town.goal([ada, ben]);
  const [hers, his] = [await ada.room(room), await ben.room(room)];
  await his.link("live");

  const recorder = recorderOf(ada.page);
  await recorder.open();
  await recorder.state("recording");
  await recorder.runs(1);
  await until("the meter moves", () => ada.page.$eval(".recorder-levels", (path) => /v(?!2(M|$))/.test(path.getAttribute("d") ?? "")));
  await recorder.pause();
  await recorder.state("paused");
  await recorder.resume();
  await recorder.state("recording");
  await recorder.runs(2);
  await recorder.stop();
  await recorder.state("ready");
  assert.equal(await his.page.locator(".voice").count(), 0, "nothing has gone yet");
  await recorder.row.getByRole("button", { name: "Play", exact: true }).click();
  await recorder.row.getByRole("button", { name: "Pause", exact: true }).waitFor();
  await recorder.send();
  await recorder.row.waitFor({ state: "detached" });
  await hers.settled();

  const heard = voices(his.page);
  await heard.waitFor();
  const { duration, waveform } = await heard.evaluate((voice) => ({ .../** @type {HTMLElement} */ (voice).dataset }));
  assert.ok(Number(duration) > 1_500 && Number(duration) < 20_000, duration);
  assert.match(waveform ?? "", /^[0-9a-f]{128}$/);
  assert.match(waveform ?? "", /ff/, "the beep is in it");

  const slider = heard.getByRole("slider", { name: "Position in the voice message" });
  const place = async () => Number(await slider.getAttribute("aria-valuenow"));
  await heard.getByRole("button", { name: "1×" }).click();
  await heard.getByRole("button", { name: "1.5×" }).waitFor();
  await heard.getByRole("button", { name: "Play", exact: true }).click();
  await heard.getByRole("button", { name: "Pause", exact: true }).waitFor();
  await until("it moves", async () => (await heard.locator(".voice-heard").getAttribute("d"))?.includes("M"));
  await heard.getByRole("button", { name: "Play", exact: true }).waitFor();
  assert.equal(await place(), 0, "at its end it is back at its beginning");

  // A place is chosen with the pointer and with the keyboard, and stays when the message is drawn anew.
  await slider.click({ position: { x: ((await slider.boundingBox())?.width ?? 0) - 3, y: 10 } });
  await until("almost the end is chosen", async () => (await place()) >= Math.floor(Number(duration) / 1_000));
  await slider.press("Home");
  await becomes(place, 0);
  await slider.press("End");
  const end = await place();
  await hers.page.evaluate((id) => fetch(`/message/${id}/react/like`, { method: "POST" }), await heard.evaluate((voice) => voice.closest("article")?.dataset.message));
  await his.page.locator(".reaction").waitFor();
  assert.equal(await place(), end);

  await his.reload();
  await voices(his.page).waitFor();
  await voices(his.page).getByRole("button", { name: "1.5×" }).waitFor();
});

test("what was recorded without a network is sent later, once", async (t) => {
  const town = await startTown(t, { chromium: MICROPHONE });
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const { room } = await town.goal([ada, ben]);
  const [hers, his] = [await ada.room(room), await ben.room(room)];
  await hers.link("live");
  await ada.context.setOffline(true);
  const recorder = await record(ada.page);
  await recorder.send();
  await until("it waits", async () => (await hers.states()).some((state) => state !== ""));
  assert.equal(await voices(ada.page).count(), 1, "it is seen and may be listened to");
  await ada.context.setOffline(false);
  await hers.settled();
  await voices(his.page).waitFor();
  await hers.send("Did you hear it?");
  await until("the answer comes after it", async () => (await his.texts()).at(-1) === "Did you hear it?");
  assert.equal(await voices(his.page).count(), 1);
  assert.equal(await voices(ada.page).count(), 1);
});

test("an answer by voice, a recording thrown away, and a text in between", async (t) => {
  const town = await startTown(t, { chromium: MICROPHONE });
  const ada = await town.person("Ada");
  const { room } = await town.goal([ada]);
  const hers = await ada.room(room);
  await hers.send("Who comes on Saturday?");
  await hers.settled();
  const record1 = await record(ada.page);
  await record1.discard();
  await record1.row.waitFor({ state: "detached" });
  await hers.act("Who comes", "reply");
  const recorder = await record(ada.page);
  await recorder.send();
  await hers.settled();
  const line = ada.page.locator("#messages .entry", { has: ada.page.locator(".voice") });
  await line.locator(".entry-quote", { hasText: "Who comes on Saturday?" }).waitFor();
  assert.equal(await ada.page.locator("#composer").getAttribute("data-mode"), "send");
  await hers.field.fill("a text");
  assert.equal(await ada.page.getByRole("button", { name: "Record a voice message" }).isVisible(), false);
  assert.equal(await ada.page.getByRole("button", { name: "Send", exact: true }).isVisible(), true);
  await hers.field.fill("");
  assert.equal(await ada.page.getByRole("button", { name: "Record a voice message" }).isVisible(), true);
});

test("a microphone that is refused is told in words", async (t) => {
  const town = await startTown(t);
  const ada = await town.person("Ada");
  const { room } = await town.goal([ada]);
  const hers = await ada.room(room);
  await ada.page.evaluate(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotAllowedError"));
  });
  await ada.page.getByRole("button", { name: "Record a voice message" }).click();
  await hers.error.getByText("The microphone is blocked").waitFor();
  assert.equal(await ada.page.locator(".recorder").count(), 0);
});

test("no sound of it: send-voice refuses what is no voice", async (t) => {
  const town = await startTown(t);
  const ada = await town.person("Ada");
  const { room } = await town.goal([ada]);
  await ada.room(room);
  const answer = await ada.page.evaluate(async (id) => {
    const form = new FormData();
    form.append("voice", new Blob(["<script>alert(1)</script> is no sound"], { type: "audio/webm" }), "voice.webm");
    const reply = await fetch(`/message/chatroom/${id}/send-voice`, { method: "POST", body: form, headers: { accept: "application/json" } });
    return { status: reply.status, body: await reply.json() };
  }, room);
  assert.equal(answer.status, 422);
  assert.match(answer.body.error.fields.voice, /no voice message/);
});

test("on a phone, in both themes, and for a screen reader", async (t) => {
  // The judge tries styles of its own to measure contrasts, and the page's policy says no.
  const town = await startTown(t, { chromium: MICROPHONE, complaints: [/Applying inline style violates/] });
  const ada = await town.person("Ada", { viewport: { ...PHONE, width: 360 }, hasTouch: true });
  const { room } = await town.goal([ada]);
  const hers = await ada.room(room);

  /** @param {string} what */
  async function check(what) {
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      await ada.page.emulateMedia({ colorScheme });
      const { violations } = await new AxeBuilder({ page: ada.page }).analyze();
      const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), [], `${what}, ${colorScheme}`);
    }
    assert.ok(await ada.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${what}: nothing is cut off`);
  }
  const recorder = recorderOf(ada.page);
  await recorder.open();
  await recorder.state("recording");
  await recorder.runs(1);
  await check("recording");
  await recorder.stop();
  await recorder.state("ready");
  await check("ready");
  await recorder.send();
  await hers.settled();
  await voices(ada.page).waitFor();
  await check("sent");
});
