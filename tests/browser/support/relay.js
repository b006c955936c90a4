/**
 * What stands between a browser and the server in the real world: a relay that can refuse a kind of request, cut what
 * is open, or swallow it without a word.
 */
import { once } from "node:events";
import { createServer, request as ask } from "node:http";
import { connect } from "node:net";

const HUB = "/.well-known/mercure";

/** @typedef {"websocket" | "sse" | "wait" | "token" | "plain"} Kind */
/** @typedef {import("node:stream").Duplex} Duplex */

/** @param {import("node:http").IncomingMessage} request @returns {Kind} */
function kindOf({ url = "", headers }) {
  if (headers.upgrade) return "websocket";
  if (url.startsWith(HUB)) return "sse";
  if (url.startsWith("/realtime/token")) return "token";
  return /[?&]wait=/.test(url) ? "wait" : "plain";
}

/** @param {number} port where it listens @param {() => number} target the server's port */
export async function startRelay(port, target) {
  /** @type {Set<Kind>} */
  const refused = new Set();
  /** What is open now, by kind. @type {Map<Duplex, Kind>} */
  const open = new Map();
  /** Those whose bytes are thrown away from now on. @type {Set<Duplex>} */
  const mute = new Set();
  /** Called with each request that came through. @type {((kind: Kind, method: string, url: string) => void) | null} */
  let onRequest = null;

  const relay = createServer((incoming, outgoing) => {
    const kind = kindOf(incoming);
    const { socket } = incoming;
    onRequest?.(kind, incoming.method ?? "", incoming.url ?? "");
    if (refused.has(kind)) return void socket.destroy();
    const passed = ask({ host: "127.0.0.1", port: target(), method: incoming.method, path: incoming.url, headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      outgoing.flushHeaders();
      answer.on("data", (bytes) => mute.has(socket) || outgoing.write(bytes));
      answer.on("end", () => mute.has(socket) || outgoing.end());
      answer.on("error", () => mute.has(socket) || socket.destroy());
    });
    open.set(socket, kind);
    outgoing.on("close", () => {
      open.delete(socket);
      passed.destroy();
    });
    passed.on("error", () => mute.has(socket) || socket.destroy());
    incoming.pipe(passed);
  });

  relay.on("upgrade", (incoming, socket, head) => {
    onRequest?.("websocket", incoming.method ?? "", incoming.url ?? "");
    if (refused.has("websocket")) return void socket.destroy();
    const server = connect(target(), "127.0.0.1");
    const lines = [`${incoming.method} ${incoming.url} HTTP/1.1`];
    for (let i = 0; i < incoming.rawHeaders.length; i += 2) lines.push(`${incoming.rawHeaders[i]}: ${incoming.rawHeaders[i + 1]}`);
    server.write(`${lines.join("\r\n")}\r\n\r\n`);
    server.write(head);
    open.set(socket, "websocket");
    server.on("data", (bytes) => mute.has(socket) || socket.write(bytes));
    socket.on("data", (bytes) => mute.has(socket) || server.write(bytes));
    const end = () => {
      server.destroy();
      if (!mute.has(socket)) socket.destroy();
    };
    server.on("close", end).on("error", end);
    socket.on("error", end).on("close", () => {
      open.delete(socket);
      mute.delete(socket);
      server.destroy();
    });
  });

  relay.listen(port, "127.0.0.1");
  await once(relay, "listening");

  /** @param {Kind[]} kinds */
  const present = (kinds) => [...open].filter(([, kind]) => kinds.includes(kind)).map(([socket]) => socket);

  return {
    url: `http://127.0.0.1:${port}`,
    /** From now on such requests fail, and what is open of them is cut. @param {Kind[]} kinds */
    refuse(...kinds) {
      for (const kind of kinds) refused.add(kind);
      for (const socket of present(kinds)) socket.destroy();
    },
    /** @param {Kind[]} kinds */
    allow(...kinds) {
      for (const kind of kinds) refused.delete(kind);
    },
    /** The worst that a network does: what is open stays open, and nothing comes any more. @param {Kind[]} kinds */
    swallow(...kinds) {
      const sockets = present(kinds);
      for (const socket of sockets) mute.add(socket);
      return sockets.length;
    },
    /** @param {Kind} kind */
    count: (kind) => present([kind]).length,
    /** @param {(kind: Kind, method: string, url: string) => void} listener */
    listen(listener) {
      onRequest = listener;
    },
    async stop() {
      for (const socket of open.keys()) socket.destroy();
      relay.close();
      relay.closeAllConnections();
      await once(relay, "close");
    },
  };
}

/** @typedef {Awaited<ReturnType<typeof startRelay>>} Relay */
