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
  const entry = (/** @type {string} */ text) => page.locator("#messages .entry", { hasText: text });

  /** Every message in the order of the page, pending ones included. */
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
    const tool = line.locator(`a[data-action=${action}], form[data-action=${action}] button`);
    if (!(await tool.isVisible())) await line.locator("summary").click();
    await tool.click();
  }

  return {
    page, field, entry, texts, states, act,
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
