/** An application's site: pages and the packages they import, at an origin that is not the hub's. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGES = fileURLToPath(new URL("../../../node_modules/", import.meta.url));
const IMPORTS = JSON.stringify({
  imports: {
    "@hotwired/stimulus": "/npm/@hotwired/stimulus/dist/stimulus.js",
    "@hotwired/turbo": "/npm/@hotwired/turbo/dist/turbo.es2017-esm.js",
    "@microsoft/fetch-event-source": "/npm/@microsoft/fetch-event-source/lib/esm/index.js",
    "@symfony/ux-turbo/": "/npm/@symfony/ux-turbo/dist/",
  },
});

/** @param {import("node:test").TestContext} test */
export async function startSite(test) {
  let body = "";
  /** @type {string[]} */
  let cookies = [];

  /** @param {string} path @returns {Promise<[type: string, content: string | Buffer] | null>} */
  async function find(path) {
    if (path === "/") return ["text/html; charset=utf-8", `<!doctype html><title>A site</title><script type="importmap">${IMPORTS}</script>${body}`];
    if (!path.startsWith("/npm/") || path.includes("..")) return null;
    // One of the packages leaves out the ending, as bundlers allow.
    const file = PACKAGES + path.slice("/npm/".length) + (extname(path) ? "" : ".js");
    return readFile(file).then((content) => ["text/javascript; charset=utf-8", content], () => null);
  }

  const server = createServer(async (request, response) => {
    const found = await find(request.url ?? "/");
    if (!found) return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": found[0], ...(request.url === "/" && { "set-cookie": cookies }) }).end(found[1]);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  test.after(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  });
  const address = server.address();
  if (!address || typeof address === "string") throw new Error("no port");

  return {
    origin: `http://127.0.0.1:${address.port}`,
    /** What its page holds from now on. @param {string} html */
    show(html) {
      body = html;
    },
    /** Whoever opens the page next gets these cookies. @param {string[]} lines values of `Set-Cookie` */
    hand(...lines) {
      cookies = lines;
    },
  };
}

/** @typedef {Awaited<ReturnType<typeof startSite>>} Site */
