/**
 * The browser's own means behind the link: WebSocket, EventSource and the requests of the room.
 *
 * @import { Frame, Page, Token } from "../types.js"
 * @import { TokenAnswer } from "./pass.js"
 * @import { OpenTransport, TransportEvents } from "./stream.js"
 * @import { Answer, SinceRequest } from "./sync.js"
 */
import { isOurs, request } from "../http.js";

/** @param {Token} token */
function hubUrl(token) {
  const url = new URL(token.hub_url ?? "", document.baseURI);
  for (const topic of token.topics) url.searchParams.append("topic", topic);
  if (token.websocket) url.searchParams.set("heartbeat", "1");
  return url;
}

/** @param {TransportEvents} events @param {unknown} raw */
function pass(events, raw) {
  try {
    events.frame(/** @type {Frame} */ (JSON.parse(String(raw))));
  } catch (error) {
    console.error(error);
  }
}

/** @param {Token} token @returns {OpenTransport} */
export function webSocket(token) {
  return (events) => {
    const url = hubUrl(token);
    url.protocol = url.protocol.replace("http", "ws");
    try {
      const socket = new WebSocket(url);
      socket.onopen = () => events.open();
      socket.onmessage = ({ data }) => pass(events, data);
      socket.onclose = () => events.close();
      return {
        send: (text) => socket.send(text),
        close() {
          socket.onopen = socket.onmessage = socket.onclose = null;
          socket.close();
        },
      };
    } catch {
      return unavailable(events);
    }
  };
}

/** @param {Token} token @returns {OpenTransport} */
export function eventSource(token) {
  return (events) => {
    try {
      const url = hubUrl(token);
      const source = new EventSource(url, { withCredentials: url.origin !== location.origin });
      source.onopen = () => events.open();
      // The browser would reconnect by itself, without the fetch that must follow: the link does it.
      source.onerror = () => events.close();
      for (const type of ["message", "user", "heartbeat", "reads", "typing", "presence", "mode"]) {
        source.addEventListener(type, ({ data, lastEventId }) => events.frame({ id: lastEventId, type: type === "message" ? "" : type, topic: "", data }));
      }
      return {
        close() {
          source.onopen = source.onerror = null;
          source.close();
        },
      };
    } catch {
      return unavailable(events);
    }
  };
}

/** @param {TransportEvents} events */
function unavailable(events) {
  queueMicrotask(() => events.close());
  return { close() {} };
}

/** @returns {Promise<TokenAnswer>} */
export async function askToken() {
  const reply = await request("/realtime/token", { form: {} });
  if (reply.kind === "ok") return { kind: "token", token: /** @type {Token} */ (reply.body) };
  return isOurs(reply, 401) ? { kind: "signed-out" } : { kind: "failed" };
}

/**
 * @param {number} room
 * @param {() => Record<string, string>} beside what else the page wants to hear of, and what of it it knows
 * @returns {(request: SinceRequest, options: { wait: number, etag: string | null, signal: AbortSignal }) => Promise<Answer>}
 */
export function roomFetcher(room, beside = () => ({})) {
  return async ({ since, epoch }, { wait, etag, signal }) => {
    const query = new URLSearchParams({ since: String(since), epoch, ...beside() });
    if (wait > 0) query.set("wait", String(wait));
    return asAnswer(await request(`/message/chatroom/${room}/fetch?${query}`, { etag, signal, deadline: (wait + 15) * 1000 }));
  };
}

/** @param {number} room @param {number} before @param {number} [limit] @returns {Promise<Answer>} */
export async function fetchEarlier(room, before, limit = 50) {
  return asAnswer(await request(`/message/chatroom/${room}/fetch?before=${before}&limit=${limit}`));
}

/** @param {import("../http.js").Reply<unknown>} reply @returns {Answer} */
function asAnswer(reply) {
  switch (reply.kind) {
    case "ok":
      return { kind: "page", page: /** @type {Page} */ (reply.body), etag: reply.etag };
    case "same":
      return { kind: "same" };
    case "refused":
      if (isOurs(reply, 401)) return { kind: "signed-out" };
      return isOurs(reply, 403, 404) ? { kind: "gone" } : { kind: "failed", after: null };
    case "later":
      return { kind: "failed", after: reply.after };
    case "unreachable":
      return { kind: "failed", after: null };
  }
}
