import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { becomes } from "../browser/support/until.js";
import { startHub } from "./support/hub.js";
import { publishThroughCuts } from "./support/cuts.js";
import { SECRET } from "./support/tokens.js";

const BINARY = process.env.FOREIGN_CLIENTS_BIN ?? fileURLToPath(new URL("../../target/foreign-clients/debug/foreign-clients", import.meta.url));

test("the crates mercure and reqwest-eventsource: publish, read in private with a template, come back after a cut", async (t) => {
  const hub = await startHub(t);
  const child = spawn(BINARY, [hub.url, hub.fragile, SECRET, "https://example.com/users/1/books/{book}"], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  t.after(async () => {
    child.stdin.end();
    await ended;
  });
  /** @type {any[]} */
  const lines = [];
  createInterface(child.stdout).on("line", (line) => lines.push(JSON.parse(line)));
  const events = () => lines.filter(({ id }) => id !== undefined);
  const ids = () => lines.map(({ published }) => published).filter(Boolean);
  const opened = () => lines.filter(({ open }) => open).length;
  await becomes(opened, 1);

  const say = (/** @type {object} */ order) => child.stdin.write(`${JSON.stringify(order)}\n`);
  say({ topics: ["https://example.com/books/1", "https://example.com/users/1/books/1"], data: "one\ntwo & three = ünf", private: true });
  say({ topics: ["https://example.com/users/2/books/1"], data: "of somebody else", private: true });
  say({ topics: ["https://example.com/users/1/books/2"], data: "public" });
  await becomes(() => ids().length, 3);
  const [first, , third] = ids();
  await becomes(events, [
    { id: first, type: "message", data: "one\ntwo & three = ünf" },
    { id: third, type: "message", data: "public" },
  ]);

  await publishThroughCuts(hub, { topic: "https://example.com/users/1/books/3", private: true }, () => events().slice(2).map(({ data }) => data));
  assert.ok(opened() > 2);
});
