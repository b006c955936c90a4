/** The room's page as somebody sees and uses it. */
import { becomes, until } from "./until.js";

/** @import { Page } from "playwright-core" */

/** @param {Page} page @param {number} id */
export async function openRoom(page, id) {
  await page.goto(`/message/chatroom/${id}`);
  const room = roomOf(page);
  await room.ready();
  return room;
}

/** @param {Page} page */
export function roomOf(page) {
  const field = page.locator("#composer textarea");
  const entry = (/** @type {string} */ text) => page.locator("#messages .entry:not(.is-system)", { hasText: text });

  /** Every message in the order of the page, pending ones included; what the room says itself is none. */
  function texts() {
    return page.$$eval("#messages .entry:not(.is-system) .message-body", (bodies) => bodies.map((body) => body.textContent?.trim() ?? ""));
  }

  /** What is written beside the fragments: "pending", "queued", "failed" or "". */
  function states() {
    return page.$$eval("#messages .entry:not(.is-system)", (lines) => lines.map((line) => {
      const state = /** @type {HTMLElement} */ (line).dataset.state ?? "";
      return state === "sent" ? "" : state;
    }));
  }

  /** Opens the actions of a message, whatever the pointer. @param {string} text @param {string} action */
  async function act(text, action) {
    const line = entry(text).first();
    await line.hover();
    const tool = line.locator(`:is(a, button)[data-action=${action}], form[data-action=${action}] button`).filter({ visible: true });
    // The menu for a finger, then the menu in the row for a pointer.
    for (const menu of await line.locator("summary").all()) {
      if ((await tool.count()) === 0 && (await menu.isVisible())) await menu.click();
    }
    await tool.click();
  }

  /** Puts one of the quick emoji on a message, or takes it away. @param {string} text @param {string} emoji */
  async function react(text, emoji) {
    const line = entry(text).first();
    await line.hover();
    const button = line.locator(`[data-react="${emoji}"]`);
    if (!(await button.isVisible())) await line.locator("summary").first().click();
    await button.click();
  }

  return {
    page, field, entry, texts, states, act, react,
    /** What the room says itself. */
    told: () => page.locator("#messages .entry-told").allTextContents(),
    /** The chips under a message: emoji and count. @param {string} text */
    chips: async (text) => (await entry(text).first().locator(".reaction").allTextContents()).map((chip) => chip.trim()),
    ready: () => page.locator("#chatroom[data-ready=true]").waitFor({ state: "attached" }),
    /** @param {string[]} expected @param {number} [deadline] */
    shows: (expected, deadline) => becomes(texts, expected, deadline),
    /** All is sent. */
    settled: () => until("nothing is on its way any more", async () => (await states()).every((state) => state === "")),
    /** @param {string} text */
    async send(text) {
      await field.fill(text);
      await field.press("Enter");
      await until("the field is empty", async () => (await field.inputValue()) === "");
    },
    /** @param {string} state @param {number} [deadline] */
    link: (state, deadline) => page.locator(`#connection[data-state="${state}"]`).waitFor({ timeout: deadline ?? 30_000 }),
    words: () => page.locator("#connection").textContent(),
    badge: (/** @type {number} */ room) => page.locator(`[data-room-link="${room}"] .unread`),
    error: page.locator("#composer-error"),
    reload: async () => {
      await page.reload();
      await page.locator("#chatroom[data-ready=true]").waitFor({ state: "attached" });
    },
    /** How far the list is from its end, in pixels. */
    distance: () => page.$eval("#scroller", (box) => box.scrollHeight - box.clientHeight - box.scrollTop),
  };
}

/** @typedef {ReturnType<typeof roomOf>} Room */
