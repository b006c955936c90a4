/** The hub as a program of its own, told what to do as the reference image is: by its environment. A relay before it can cut what is open. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startRelay } from "../../browser/support/relay.js";
import { freePort } from "../../browser/support/server.js";
import { until } from "../../browser/support/until.js";
import { legacyToken, SECRET } from "./tokens.js";

const BINARY = process.env.PALABRE_BIN ?? fileURLToPath(new URL("../../../target/release/palabre", import.meta.url));
export const HUB_PATH = "/.well-known/mercure";

/** @typedef {{ topic: string | string[], data?: string, private?: boolean, id?: string, type?: string, retry?: number }} Update */

/** @param {Update} update */
function formOf({ topic, private: hidden, ...fields }) {
  const form = new URLSearchParams([topic].flat().map((name) => ["topic", name]));
  for (const [name, value] of Object.entries(fields)) form.set(name, String(value));
  if (hidden) form.set("private", "on");
  return form;
}

/**
 * @param {import("node:test").TestContext} test
 * @param {{ directives?: string[], isSecure?: boolean }} [options] `directives`: lines of MERCURE_EXTRA_DIRECTIVES; `isSecure`: with TLS, by a certificate that nobody signed
 */
export async function startHub(test, { directives = [], isSecure = false } = {}) {
  if (!existsSync(BINARY)) throw new Error(`${BINARY} is missing: build it, or name one in PALABRE_BIN`);
  const folder = await mkdtemp(join(tmpdir(), "palabre-clients-"));
  const env = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(PALABRE|HUB|MERCURE|SERVER|DATABASE)_/.test(name))),
    HUB_ADMIN: "off",
    MERCURE_PUBLISHER_JWT_KEY: SECRET,
    MERCURE_SUBSCRIBER_JWT_KEY: SECRET,
    MERCURE_EXTRA_DIRECTIVES: directives.join("\n"),
  };
  const secure = isSecure ? await freePort() : 0;
  let log = "";
  /** @type {import("node:child_process").ChildProcess | null} */
  let running = null;

  /** @param {number} port zero for any */
  async function start(port) {
    const where = secure ? ["--server-name", `localhost:${secure}`] : ["--listen", `127.0.0.1:${port}`];
    const child = spawn(BINARY, ["hub", ...where], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
    running = child;
    log = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (log += text));
    return until("the hub says where it listens", () => {
      if (child.exitCode !== null) throw new Error(`the hub ended at once:\n${log}`);
      return Number(/^The hub is ready: \S+:(\d+)/m.exec(log)?.[1]);
    });
  }

  async function kill() {
    const child = running;
    running = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  test.after(async () => {
    await kill();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  });
  const port = await start(0);

  const relay = await startRelay(await freePort(), () => port);
  test.after(() => relay.stop());
  const publisher = legacyToken({ publish: ["*"] });

  return {
    relay,
    url: `${isSecure ? "https://localhost" : "http://127.0.0.1"}:${port}${HUB_PATH}`,
    /** The same hub, over a link that can be cut. */
    fragile: `${relay.url}${HUB_PATH}`,
    /** Kills it as a power cut would, and starts it again at the same address and with the same folder. */
    async restart() {
      await kill();
      await start(port);
    },
    /** Publishes as a server application does, and answers the id. @param {Update} update @param {string} [token] */
    async publish(update, token = publisher) {
      const answer = await fetch(this.url, { method: "POST", headers: { authorization: `Bearer ${token}` }, body: formOf(update) });
      const text = await answer.text();
      assert.equal(answer.status, 200, `${text}\n${log}`);
      return text;
    },
  };
}

/** @typedef {Awaited<ReturnType<typeof startHub>>} Hub */

/** @param {string} hub @param {string | string[]} topics @param {string} [name] */
export function subscribeUrl(hub, topics, name = "topic") {
  const url = new URL(hub);
  for (const topic of [topics].flat()) url.searchParams.append(name, topic);
  return url.href;
}
