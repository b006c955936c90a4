/** The pictures of the README, taken from the running program: `node tests/browser/pictures.mjs`. */
import { mkdir, stat } from "node:fs/promises";
import { test } from "node:test";
import assert from "node:assert/strict";
import { playScene } from "./support/scene.js";
import { DESK, PHONE, startTown } from "./support/town.js";
import { becomes } from "./support/until.js";

const FOLDER = new URL("../../docs/", import.meta.url);
const LARGEST = 200_000;

const PICTURES = /** @type {const} */ ([
  { name: "room.png", colorScheme: "light", viewport: DESK, deviceScaleFactor: 1 },
  { name: "room-phone.png", colorScheme: "dark", viewport: PHONE, deviceScaleFactor: 1.5 },
]);

for (const { name, ...options } of PICTURES) {
  test(name, async (t) => {
    const town = await startTown(t);
    const { aminata, goal } = await playScene(town, options);
    // Once to read everything, and once more to see it read.
    for (let visit = 1; visit <= 2; visit += 1) {
      const room = await aminata.room(goal.room);
      await room.link("live");
      await aminata.page.evaluate(() => document.querySelector("#jump-latest:not([hidden])")?.dispatchEvent(new Event("click")));
      await aminata.page.locator(`[data-room-link="${goal.room}"] .unread`).waitFor({ state: "hidden" });
      await becomes(async () => (await room.distance()) < 2, true);
    }
    await aminata.page.mouse.move(0, 0);
    await mkdir(FOLDER, { recursive: true });
    const path = new URL(name, FOLDER).pathname;
    await aminata.page.screenshot({ path });
    const { size } = await stat(path);
    assert.ok(size < LARGEST, `${name} has ${size} bytes`);
  });
}
