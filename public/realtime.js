/**
 * The link to the server as a state machine: WebSocket, below it SSE, below it the long poll, below it a poll every
 * two seconds. It falls a rung when one fails and tries the better ones again later. What it brings goes to the
 * reducer, whose cursor decides what is fetched: no rung is trusted to be complete.
 *
 * @import { Frame, Mode, Token } from "./types.js"
 * @import { Clock } from "./link/backoff.js"
 * @import { Rung, TokenAnswer } from "./link/pass.js"
 * @import { Pull } from "./link/pull.js"
 * @import { OpenTransport, Stream } from "./link/stream.js"
 * @import { Outcome, Sync } from "./link/sync.js"
 */
import { backoff, createTimer } from "./link/backoff.js";
import { createPass, endOf, pushes, rungsOf } from "./link/pass.js";
import { RETRY, createPull } from "./link/pull.js";
import { createStream } from "./link/stream.js";

/**
 * @typedef {"connecting" | "live" | "sse" | "longpoll" | "polling" | "offline" | "signed-out" | "removed"} LinkState
 *
 * @typedef {{
 *   clock: Clock, random(): number, sync: Sync, behind(): boolean, hidden(): boolean, askToken(): Promise<TokenAnswer>,
 *   connect(rung: "websocket" | "sse", token: Token): OpenTransport,
 *   onFrame(frame: Frame): { fetch: null | "soon" | "now" }, onState(state: LinkState): void, syncUser(): void
 * }} LinkDeps
 *
 * @typedef {{ rung: Rung, stream: Stream | null, pull: Pull | null, expires: number }} Serving
 */

const GAP_FETCH = 2_000;
const EXTERNAL_FETCH = 20_000;
const USER_EVERY = 6_000;
const USER_EVERY_HIDDEN = 30_000;
const HOLE_PATIENCE = 100;
/** Browsers come back one after the other when a server restarts. */
const HERD_SPREAD = 1_500;
/** A push link that ends sooner than this counts as one that does not work here. */
const SHORT_LIFE = 20_000;
const CLIMB = { base: 5_000, cap: 300_000 };

/** @type {Record<Rung, LinkState>} */
const SHOWN = { websocket: "live", sse: "sse", longpoll: "longpoll", poll: "polling" };

/** @param {LinkDeps} deps */
export function createLink(deps) {
  const { clock, random, sync } = deps;
  let rungs = rungsOf("hybrid", true);
  /** How the server says that pages hear of news; none before the first token. @type {Mode | null} */
  let mode = null;
  let isFollowing = false;
  /** @type {Serving | null} */
  let serving = null;
  /** The next stream while it opens; what serves now does so until then. @type {Stream | null} */
  let candidate = null;
  /** @type {LinkState} */
  let shown = "connecting";
  let ended = false;
  let attempts = 0;
  let climbs = 0;
  let rounds = 0;
  let failures = 0;
  let stuck = 0;
  let userAt = -Infinity;

  const pass = createPass({ clock, random, askToken: deps.askToken, onDue: () => void renew() });
  const holeTimer = createTimer(clock, () => void (deps.behind() && catchUp()));
  const retryTimer = createTimer(clock, () => void catchUp());
  const climbTimer = createTimer(clock, climb);
  const modeTimer = createTimer(clock, () => void followNow());
  const reconnectTimer = createTimer(clock, () => attempt(rungs[0]));
  const gapTimer = createTimer(clock, bridge);
  const externalTimer = createTimer(clock, () => {
    externalTimer.set(EXTERNAL_FETCH);
    deps.syncUser();
    void catchUp();
  });

  /** @param {LinkState} state */
  function show(state) {
    if (shown === state) return;
    shown = state;
    deps.onState(state);
  }

  function stop() {
    ended = true;
    attempts += 1;
    for (const timer of [holeTimer, retryTimer, climbTimer, reconnectTimer, gapTimer, externalTimer, modeTimer]) timer.cancel();
    pass.stop();
    sync.abort();
    dropCandidate();
    dropServing();
  }

  /** @param {"signed-out" | "removed"} state */
  function end(state) {
    stop();
    show(state);
  }

  function dropCandidate() {
    candidate?.close();
    candidate = null;
  }

  function dropServing() {
    serving?.stream?.close();
    serving?.pull?.stop();
    serving = null;
    externalTimer.cancel();
  }

  // ---- The ladder

  /** @param {Rung | undefined} rung the first to try; those below it follow until one serves */
  function attempt(rung) {
    if (ended) return;
    reconnectTimer.cancel();
    dropCandidate();
    const number = (attempts += 1);
    if (serving && (!rung || rungs.indexOf(rung) >= rungs.indexOf(serving.rung))) return climbLater();
    if (!rung) return noneLeft();
    if (!serving) gapTimer.set(GAP_FETCH);
    if (pushes(rung)) void openPush(rung, number, () => attempt(rungBelow(rung)));
    else settleOn(rung);
  }

  /** @param {Rung} rung */
  function rungBelow(rung) {
    return rungs[rungs.indexOf(rung) + 1];
  }

  /** Only push is allowed, and none of it works now. */
  function noneLeft() {
    show("offline");
    // Nothing but the next token can tell that another way is open.
    pass.doubt();
    reconnectTimer.set(backoff(rounds, RETRY, random));
    rounds += 1;
  }

  /** While nothing serves, the list is fetched, so that a slow opening costs nobody a message. */
  function bridge() {
    if (serving || ended || !rungs.includes("poll")) return;
    gapTimer.set(GAP_FETCH);
    if (!retryTimer.isSet()) void catchUp();
  }

  /** @param {"websocket" | "sse"} rung @param {number} number @param {() => void} failed */
  async function openPush(rung, number, failed) {
    const had = await pass.ensure();
    if (ended || number !== attempts) return;
    if (had === "signed-out") return end("signed-out");
    if (had === "token") obey();
    const token = pass.token();
    // The answer may have brought another mode.
    if (!rungs.includes(rung)) return attempt(rungs[0]);
    if (had === "failed" || !token?.hub_url) return failed();
    const opening = createStream({
      clock,
      heartbeat: token.websocket,
      connect: deps.connect(rung, token),
      onOpen: () => adopt(rung, opening, token),
      onFrame: hear,
      onDead: (livedFor) => {
        if (opening === candidate) {
          candidate = null;
          failed();
        } else if (opening === serving?.stream) lost(rung, livedFor);
      },
    });
    candidate = opening;
  }

  /** @param {"websocket" | "sse"} rung @param {Stream} opened @param {Token} token */
  function adopt(rung, opened, token) {
    candidate = null;
    dropServing();
    gapTimer.cancel();
    serving = { rung, stream: opened, pull: null, expires: endOf(token) };
    rounds = 0;
    scheduleRenewal();
    if (!token.websocket) externalTimer.set(EXTERNAL_FETCH);
    climbLater();
    deps.syncUser();
    void catchUp().then(() => opened.release());
  }

  /** @param {"websocket" | "sse"} rung @param {number} livedFor */
  function lost(rung, livedFor) {
    dropServing();
    show("connecting");
    pass.doubt();
    if (livedFor < SHORT_LIFE) return attempt(rungBelow(rung));
    climbs = 0;
    reconnectTimer.set(random() * HERD_SPREAD);
  }

  /** A rung that asks needs no opening. @param {"longpoll" | "poll"} rung */
  function settleOn(rung) {
    dropServing();
    gapTimer.cancel();
    const pull = createPull({
      clock, random, sync, rung,
      hidden: deps.hidden,
      onRound: refreshUser,
      onOutcome: settle,
      onUnfit: () => settleOn("poll"),
    });
    serving = { rung, stream: null, pull, expires: Infinity };
    scheduleRenewal();
    climbLater();
    pull.start();
  }

  function climbLater() {
    if (serving?.rung === rungs[0]) {
      climbTimer.cancel();
      return;
    }
    climbTimer.set(backoff(climbs, CLIMB, random));
    climbs += 1;
  }

  function climbSoon() {
    climbs = 0;
    climbTimer.set(random() * HERD_SPREAD);
  }

  function climb() {
    if (!ended && !candidate && serving?.rung !== rungs[0]) attempt(rungs[0]);
  }

  // ---- Fetching

  async function catchUp() {
    if (ended) return;
    retryTimer.cancel();
    settle(await sync.now());
  }

  /** @param {Outcome} outcome */
  function settle(outcome) {
    if (ended || outcome.kind === "aborted") return;
    if (outcome.kind === "signed-out") return end("signed-out");
    if (outcome.kind === "gone") return end("removed");
    if (outcome.kind === "failed") {
      failures += 1;
      show("offline");
      if (!serving?.pull) retryTimer.set(Math.max(outcome.after ?? 0, backoff(failures - 1, RETRY, random)));
      return;
    }
    const recovered = failures > 0;
    failures = 0;
    if (serving) show(SHOWN[serving.rung]);
    if (recovered && serving && serving.rung !== rungs[0] && !candidate) climbSoon();
    stuck = deps.behind() ? stuck + 1 : 0;
    if (stuck > 0) need("soon");
  }

  /** @param {null | "soon" | "now"} fetch */
  function need(fetch) {
    if (ended || fetch === null) return;
    if (fetch === "now" && stuck === 0) void catchUp();
    else if (!holeTimer.isSet()) holeTimer.set(Math.min(5_000, HOLE_PATIENCE * 2 ** stuck));
  }

  function refreshUser() {
    if (clock.now() - userAt < (deps.hidden() ? USER_EVERY_HIDDEN : USER_EVERY)) return;
    userAt = clock.now();
    deps.syncUser();
  }

  /** @param {Frame} frame */
  function hear(frame) {
    // Everybody at an external hub hears it at the same moment.
    if (frame.type === "mode") return void (isOther(JSON.parse(frame.data).mode) && modeTimer.set(random() * HERD_SPREAD));
    const { fetch } = deps.onFrame(frame);
    if (shown === "offline" && serving && failures === 0) show(SHOWN[serving.rung]);
    need(fetch);
  }

  // ---- The token

  /** Takes the server's choice of transports from the token's answer. */
  function obey() {
    const token = pass.token();
    if (!token) return;
    mode = token.mode;
    rungs = rungsOf(token.mode, token.websocket);
    if (serving && !rungs.includes(serving.rung)) dropServing();
  }

  /** @param {Mode | undefined} said */
  function isOther(said) {
    return !ended && mode !== null && said !== undefined && said !== mode;
  }

  async function followNow() {
    if (isFollowing) return;
    isFollowing = true;
    await renew();
    isFollowing = false;
  }

  function scheduleRenewal() {
    if (ended) return;
    pass.schedule({ pushing: Boolean(serving?.stream), streamExpires: serving?.expires ?? Infinity });
  }

  async function renew() {
    const [before, knew] = [pass.token(), mode];
    const answer = await pass.renew();
    if (ended) return;
    if (answer === "signed-out") return end("signed-out");
    const served = serving !== null;
    if (answer === "token") obey();
    scheduleRenewal();
    const token = pass.token();
    if (answer === "failed" || !token) return;
    if (served && !serving) return attempt(rungs[0]);
    if (!serving) return;
    if (serving.rung !== rungs[0] && !candidate) {
      if (knew !== mode) climbSoon();
      else if (!climbTimer.isSet()) climbLater();
    }
    const moved = token.hub_url !== before?.hub_url || String(token.topics) !== String(before?.topics);
    if (serving.stream && (moved || pass.isEnding(serving.expires))) replace(serving.rung);
  }

  /** Opens the same rung again; the present stream is closed when the new one is open. @param {Rung} rung */
  function replace(rung) {
    if (candidate || !pushes(rung)) return;
    void openPush(rung, (attempts += 1), () => {});
  }

  return {
    need,
    /** What an answer says of how pages hear of news: where that is new, the token is asked for at once. @param {Mode | undefined} said */
    follow(said) {
      if (isOther(said)) void followNow();
    },
    stop,
    state: () => shown,
    /** Says something on the socket, if that is what serves. @param {object} frame */
    say: (frame) => serving?.stream?.say(frame) ?? false,
    start() {
      deps.onState(shown);
      attempt(rungs[0]);
    },
    /** The rights have changed: the token is asked for again, and the topics with it. */
    refresh() {
      if (!ended) void renew();
    },
    /** The browser says that there is no network. */
    offline() {
      if (!ended) show("offline");
    },
    /** The network is back, the tab is seen again, or the page returned from the browser's memory. */
    wake() {
      if (ended) return;
      climbs = 0;
      serving?.stream?.judge();
      deps.syncUser();
      if (serving?.pull) serving.pull.wake();
      else void catchUp();
      if (candidate) return;
      if (!serving) attempt(rungs[0]);
      else if (serving.rung !== rungs[0]) climbTimer.set(random() * 300);
    },
  };
}
