/** A town: one server, and the people who use it, each with a browser of their own. */
import { chromium } from "playwright-core";
import assert from "node:assert/strict";
import { after } from "node:test";
import { startRelay } from "./relay.js";
import { openRoom } from "./room.js";
import { freePort, startServer } from "./server.js";

/** @import { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core" */

const FLAGS = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];
export const PASSWORD = "a phrase of a few words";
export const DESK = { width: 1440, height: 900 };
export const PHONE = { width: 390, height: 844 };

/** What a browser says of itself when a request fails: the network's fault, not the page's. */
const NETWORK = /Failed to load resource|WebSocket connection to|net::ERR_/;

/** @type {Map<string, Promise<Browser>>} */
const launched = new Map();

/** One browser for all tests of a file, and one for each set of flags beside ours. @param {string[]} [flags] */
export function launch(flags = []) {
  const known = launched.get(flags.join(" "));
  if (known) return known;
  const browser = chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: [...FLAGS, ...flags] });
  launched.set(flags.join(" "), browser);
  return browser;
}

after(async () => {
  for (const browser of launched.values()) await (await browser).close();
});

/** Whether no page failed in silence. @param {RegExp[]} allowed */
function createWatch(allowed) {
  /** @type {Set<string>} */
  const faults = new Set();

  /** @param {string} fault */
  function complain(fault) {
    if (!allowed.some((pattern) => pattern.test(fault))) faults.add(fault);
  }

  return {
    check: () => assert.deepEqual([...faults], [], "no page complained"),
    /** @param {Page} page @param {string} who */
    guard(page, who) {
      page.setDefaultTimeout(20_000);
      page.on("pageerror", (error) => complain(`${who}: ${error.stack ?? error}`));
      page.on("console", (message) => {
        if (message.type() === "error" && !NETWORK.test(message.text())) complain(`${who}: ${message.text()}`);
      });
      page.on("dialog", (dialog) => {
        complain(`${who}: a dialog was opened: ${dialog.message()}`);
        void dialog.dismiss();
      });
      return page;
    },
  };
}

let born = 0;

/**
 * Somebody with a browser of their own.
 * @param {BrowserContext} context
 * @param {Page} page
 * @param {{ first_name: string, last_name: string, locale: string }} who
 */
function createPerson(context, page, { first_name, last_name, locale }) {
  born += 1;
  const email = `${first_name.toLowerCase().replace(/[^a-z]/g, "")}${born}@palabre.example`;

  /** A form, as a program sends it. @param {string} path @param {Record<string, string>} [form] @returns {Promise<any>} */
  async function post(path, form = {}) {
    const answer = await context.request.post(path, { form, headers: { accept: "application/json", "accept-language": locale } });
    const text = await answer.text();
    assert.ok(answer.ok(), `POST ${path}: ${answer.status()} ${text}`);
    return JSON.parse(text || "{}");
  }

  const self = {
    context, page, post, email, first_name,
    id: 0,
    async signUp() {
      const { user } = await post("/register", { email, password: PASSWORD, first_name, last_name });
      self.id = Number(user.id);
    },
    /** @param {number} room */
    room: (room) => openRoom(page, room),
    /** Another tab of the same browser. @param {number} room */
    tab: async (room) => openRoom(await context.newPage(), room),
    /** @param {number} room @param {string} content */
    says: (room, content) => post(`/message/chatroom/${room}`, { content, client_nonce: crypto.randomUUID() }),
  };
  return self;
}

/** @typedef {ReturnType<typeof createPerson>} Person */

/**
 * A goal of the first person, with the others as members.
 * @param {Person[]} people
 * @param {string} [title]
 * @param {string} [description]
 */
async function found([owner, ...others], title = "Renovate the common room", description = "Paint, light and a new floor.") {
  const { goal } = await owner.post("/goal/new", { title, description });
  for (const other of others) {
    await other.post(`/goal/${goal.id}/join`);
    await owner.post(`/goal/${goal.id}/participation/${other.id}/approve`);
  }
  return { id: Number(goal.id), room: Number(goal.chatroom_id) };
}

/**
 * @param {import("node:test").TestContext} test
 * @param {{ flags?: string[], chromium?: string[], relay?: boolean, complaints?: RegExp[] }} [options] `flags` of the server, `chromium`:
 *   flags of the browser, `complaints`: what a page may say, as part of the test
 */
export async function startTown(test, { flags = [], chromium: more = [], relay: hasRelay = false, complaints = [] } = {}) {
  const browser = await launch(more);
  const relayPort = hasRelay ? await freePort() : 0;
  const server = await startServer({ flags, publicUrl: hasRelay ? `http://127.0.0.1:${relayPort}` : undefined });
  const relay = hasRelay ? await startRelay(relayPort, () => server.port) : null;
  const url = relay?.url ?? server.url;
  const watch = createWatch(complaints);
  /** @type {BrowserContext[]} */
  const contexts = [];

  test.after(async () => {
    for (const context of contexts) await context.close();
    await relay?.stop();
    await server.stop();
    watch.check();
  });

  return {
    url, server,
    get relay() {
      if (!relay) throw new Error("this town has no relay");
      return relay;
    },
    /**
     * @param {string} first_name
     * @param {BrowserContextOptions & { last?: string, signedUp?: boolean }} [options]
     */
    async person(first_name, { last = "Test", signedUp = true, locale = "en-GB", ...options } = {}) {
      const context = await browser.newContext({ baseURL: url, locale, timezoneId: "Europe/Paris", viewport: DESK, reducedMotion: "reduce", ...options });
      contexts.push(context);
      context.on("page", (page) => watch.guard(page, first_name));
      const person = createPerson(context, await context.newPage(), { first_name, last_name: last, locale });
      if (signedUp) await person.signUp();
      return person;
    },
    goal: found,
  };
}

/** @typedef {Awaited<ReturnType<typeof startTown>>} Town */
