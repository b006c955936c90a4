/** The real program, on a port of its own with a folder of its own; it can be killed in the middle of anything and started again. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "./until.js";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const BINARY = process.env.PALABRE_BIN ?? join(ROOT, "target/release/palabre");
const LOG_LINES = 400;

/** @returns {Promise<number>} a port that was free a moment ago */
export async function freePort() {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  listener.close();
  await once(listener, "close");
  if (!address || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** @param {{ flags?: string[], publicUrl?: string }} [options] */
export async function startServer({ flags = [], publicUrl } = {}) {
  if (!existsSync(BINARY)) throw new Error(`${BINARY} is missing: build it, or name one in PALABRE_BIN`);
  const folder = await mkdtemp(join(tmpdir(), "palabre-browser-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  /** @type {string[]} */
  const log = [];
  /** @type {import("node:child_process").ChildProcess | null} */
  let running = null;

  async function start() {
    const line = ["--listen", `127.0.0.1:${port}`, "--data", folder, "--rate-limits", "off", ...flags];
    if (publicUrl) line.push("--public-url", publicUrl);
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(PALABRE|MERCURE|DATABASE)_/.test(name)));
    const child = spawn(BINARY, line, { env, stdio: ["ignore", "pipe", "pipe"] });
    running = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text) => log.push(...text.trimEnd().split("\n")) > LOG_LINES && log.splice(0, log.length - LOG_LINES));
    }
    await until("the server answers", async () => {
      if (child.exitCode !== null) throw new Error(`the server ended at once:\n${log.join("\n")}`);
      return fetch(`${url}/login`, { redirect: "manual" }).then(() => true, () => false);
    });
  }

  async function kill() {
    const child = running;
    running = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  await start();
  return {
    url, port, log, start, folder,
    /** As a power cut would. */
    kill,
    async restart() {
      await kill();
      await start();
    },
    async stop() {
      await kill();
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** @typedef {Awaited<ReturnType<typeof startServer>>} Server */
