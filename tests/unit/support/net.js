/** A network for the link: what opens, what answers, what falls silent is decided by the test. */
import { createLink } from "../../../public/realtime.js";
import { createSync } from "../../../public/link/sync.js";
import { behind, createRoomState, nextRequest } from "../../../public/room/list_state.js";
import { apply, applyPage, noteTop } from "../../../public/room_state.js";
import { fakeClock } from "./clock.js";
import { fakeRoom } from "./room.js";

export const HEARTBEAT = 15_000;

/** mulberry32: the same "random" in each run. */
export function seeded(seed) {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function fakeNet({ room = fakeRoom(), seed = 1, token = {}, clock = fakeClock() } = {}) {
  const net = {
    room, clock,
    /** What works: each may be set to false, or to "hang" (neither opens nor fails). */
    up: { websocket: true, sse: true, fetch: true, token: true },
    /** A proxy that lets no request wait. */
    waits: true,
    /** One that breaks those that do. */
    cutsWaits: false,
    /** How long an answer travels after it was read. */
    latency: 0,
    signedIn: true,
    member: true,
    token: { hub_url: "/.well-known/mercure", topics: ["chatroom/1", "user/1"], mode: "hybrid", websocket: true, lives: 3_600_000, ...token },
    hidden: false,
    streams: [], opened: [], fetches: [], states: [], userSyncs: 0, tokens: 0,
    waiting: [],
  };

  function answer(request) {
    return { kind: "page", page: { ...structuredClone(room.since(request)), mode: net.token.mode }, etag: null };
  }

  /** @param {{ wait: number, signal: AbortSignal }} options */
  async function fetchPage(request, { wait, signal }) {
    net.fetches.push({ at: clock.now(), wait, since: request.since });
    if (!net.up.fetch || (wait > 0 && net.cutsWaits)) return { kind: "failed", after: null };
    if (!net.signedIn) return { kind: "signed-out" };
    if (!net.member) return { kind: "gone" };
    if (wait > 0 && net.waits && request.epoch === room.epoch && request.since >= room.revision) {
      await new Promise((resolve) => {
        const timer = clock.setTimeout(resolve, wait * 1000);
        net.waiting.push(resolve);
        signal.addEventListener("abort", () => {
          clock.clearTimeout(timer);
          resolve();
        });
      });
      if (!net.up.fetch) return { kind: "failed", after: null };
    }
    const read = answer(request);
    if (net.latency > 0) await new Promise((resolve) => clock.setTimeout(resolve, net.latency));
    return read;
  }

  const state = createRoomState({ room: 1, viewer: 1, epoch: room.epoch, revision: room.revision });
  const sync = createSync({
    cursor: () => nextRequest(state),
    fetchPage,
    deliver(page, request) {
      net.link?.follow(page.mode);
      return applyPage(state, page, request);
    },
  });

  /** @param {"websocket" | "sse"} rung */
  const connect = (rung) => (events) => {
    const stream = { rung, events, open: false, silent: false, closedByUs: false };
    net.opened.push({ rung, at: clock.now() });
    const works = net.up[rung];
    if (works === "hang") return { close: () => (stream.closedByUs = true) };
    clock.setTimeout(() => {
      if (stream.closedByUs) return;
      if (!works) return events.close();
      stream.open = true;
      net.streams.push(stream);
      events.open();
      beat(stream);
    }, 20);
    return {
      close() {
        stream.closedByUs = true;
        stream.open = false;
        net.streams = net.streams.filter((other) => other !== stream);
      },
    };
  };

  function beat(stream) {
    clock.setTimeout(() => {
      if (!stream.open) return;
      if (!stream.silent && net.token.websocket) {
        stream.events.frame({ id: "", type: "heartbeat", topic: "", data: JSON.stringify({ "chatroom/1": room.revision }) });
      }
      beat(stream);
    }, HEARTBEAT);
  }

  const link = createLink({
    clock,
    random: seeded(seed),
    sync,
    behind: () => behind(state),
    hidden: () => net.hidden,
    async askToken() {
      net.tokens += 1;
      if (!net.up.token) return { kind: "failed" };
      if (!net.signedIn) return { kind: "signed-out" };
      const { lives, ...token } = net.token;
      return { kind: "token", token: { ...token, expires_at: new Date(clock.now() + lives).toISOString() } };
    },
    connect,
    onFrame(frame) {
      const data = JSON.parse(frame.data);
      return frame.type === "heartbeat" ? noteTop(state, data["chatroom/1"]) : apply(state, data);
    },
    onState: (shown) => net.states.push(shown),
    syncUser: () => (net.userSyncs += 1),
  });

  return Object.assign(net, {
    link, state, sync,
    texts: () => [...state.messages.values()].sort((a, b) => a.position - b.position).map((message) => message.content),
    /** Somebody posts; the streams carry it unless they are silent or `lost`, and without its content where it is `thin`. */
    say(text, { lost = false, thin = false } = {}) {
      const posted = room.post(2, text);
      const { epoch, chatroom, revision } = posted;
      const change = thin ? { epoch, chatroom, revision } : posted;
      for (const stream of net.streams) {
        if (stream.open && !stream.silent && !lost) stream.events.frame({ id: "", type: "", topic: "chatroom/1", data: JSON.stringify(change) });
      }
      for (const wake of net.waiting.splice(0)) wake();
    },
    /** The site's administrator chooses another mode. Who waits for an answer gets one; another hub than our own (`tells`) says so. */
    switchTo(token, { tells = false } = {}) {
      Object.assign(net.token, token);
      for (const wake of net.waiting.splice(0)) wake();
      for (const stream of tells ? net.streams : []) {
        stream.events.frame({ id: "", type: "mode", topic: "mode", data: JSON.stringify({ mode: token.mode }) });
      }
    },
    /** The streams end, as when a server stops. */
    cut() {
      for (const stream of [...net.streams]) {
        stream.open = false;
        net.streams = net.streams.filter((other) => other !== stream);
        stream.events.close();
      }
    },
    setUp(works) {
      Object.assign(net.up, { websocket: works, sse: works, fetch: works, token: works });
      if (!works) for (const wake of net.waiting.splice(0)) wake();
    },
  });
}
