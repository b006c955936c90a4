/**
 * The outbox: what was written stands in the browser's database before the composer is cleared, and leaves it when the
 * server has answered for it. First in, first out in each room; one sender for all tabs where the browser has locks.
 *
 * @import { Change, PendingItem } from "./types.js"
 * @import { Clock } from "./link/backoff.js"
 */
import { backoff, createTimer } from "./link/backoff.js";

/**
 * @typedef {{
 *   all(): Promise<PendingItem[]>, put(item: PendingItem): Promise<PendingItem>, remove(nonce: string): Promise<void>
 * }} OutboxStore `put` gives a new item its `seq`
 *
 * "refused" is final for this text as it stands; "later" and "unreachable" are tried again; "signed-out" waits for a sign-in.
 * @typedef {{ kind: "sent", change: Change } | { kind: "refused", message: string }
 *   | { kind: "later", after: number | null, message: string } | { kind: "unreachable" } | { kind: "signed-out" }} SendOutcome
 *
 * @typedef {{ type: "changed" } | { type: "sending", nonce: string, sending: boolean } | { type: "sent", nonce: string, change: Change }
 *   | { type: "cancel", nonce: string }} OutboxNews
 *
 * @typedef {{
 *   store: OutboxStore, viewer: number, clock: Clock, random(): number, newNonce(): string,
 *   lock(name: string, run: () => Promise<void>): Promise<void>,
 *   send(item: PendingItem): Promise<SendOutcome>, abort(nonce: string): void, announce(news: OutboxNews): void,
 *   onSent(item: { nonce: string }, change: Change): void, onItems(items: PendingItem[]): void, onSignedOut(): void
 * }} OutboxDeps
 */

const TAKE_OVER = 2_000;
/** What the server asks to wait longer for, nothing behind it waits for. */
const PATIENCE = 120_000;
const RETRY = { base: 1_000, cap: 30_000 };

/** @param {OutboxDeps} deps */
export function createOutbox(deps) {
  const { store, viewer, clock } = deps;
  /** @type {Set<number>} */
  const pumping = new Set();
  /** @type {Set<string>} */
  const sending = new Set();
  /** Given up by the person while they were on the way. @type {Set<string>} */
  const cancelled = new Set();
  /** @type {Set<() => void>} */
  const sleepers = new Set();
  let stopped = false;
  const takeOver = createTimer(clock, () => void pumpAll());

  async function mine() {
    const items = (await store.all()).filter((item) => item.viewer === viewer);
    return items.sort((a, b) => a.seq - b.seq);
  }

  async function show() {
    const items = await mine();
    deps.onItems(items.map((item) => (sending.has(item.nonce) && item.status === "queued" ? { ...item, status: "sending" } : item)));
  }

  async function changed() {
    deps.announce({ type: "changed" });
    await show();
  }

  /** @param {number} room */
  async function pump(room) {
    if (stopped || pumping.has(room)) return;
    pumping.add(room);
    try {
      await deps.lock(`palabre-outbox-${viewer}-${room}`, () => drain(room));
    } finally {
      pumping.delete(room);
    }
    // Something may have come in between the last look and the release.
    if (!stopped && (await head(room))) void pump(room);
  }

  async function pumpAll() {
    for (const room of new Set((await mine()).map((item) => item.room))) void pump(room);
  }

  /** @param {number} room */
  async function head(room) {
    return (await mine()).find((item) => item.room === room && item.status !== "failed");
  }

  /** @param {number} room */
  async function drain(room) {
    let attempt = 0;
    for (let item = await head(room); item && !stopped; item = await head(room)) {
      const outcome = await trySending(item);
      if (outcome.kind === "sent") {
        deps.onSent(item, outcome.change);
        deps.announce({ type: "sent", nonce: item.nonce, change: outcome.change });
        await store.remove(item.nonce);
        attempt = 0;
      } else if (cancelled.delete(item.nonce)) {
        await store.remove(item.nonce);
        attempt = 0;
      } else if (outcome.kind === "refused") {
        await store.put({ ...item, status: "failed", error: outcome.message });
        attempt = 0;
      } else if (outcome.kind === "signed-out") {
        stopped = true;
        deps.onSignedOut();
      } else if (outcome.kind === "later" && (outcome.after ?? 0) > PATIENCE) {
        // So long nothing behind it may wait: the person decides.
        await store.put({ ...item, status: "failed", error: outcome.message });
        attempt = 0;
      } else {
        const after = outcome.kind === "later" ? (outcome.after ?? 0) : 0;
        await sleep(Math.max(after, backoff(attempt, RETRY, deps.random)));
        attempt += 1;
        continue;
      }
      await changed();
    }
  }

  /** @param {PendingItem} item */
  async function trySending(item) {
    await mark(item.nonce, true);
    try {
      return await deps.send(item);
    } finally {
      await mark(item.nonce, false);
    }
  }

  /** @param {string} nonce @param {boolean} now */
  async function mark(nonce, now) {
    deps.announce({ type: "sending", nonce, sending: now });
    heedSending(nonce, now);
    if (now) await show();
  }

  /** @param {string} nonce @param {boolean} now */
  function heedSending(nonce, now) {
    if (now) sending.add(nonce);
    else sending.delete(nonce);
  }

  /** Whichever tab sends it. @param {string} nonce */
  function stopSending(nonce) {
    cancelled.add(nonce);
    deps.abort(nonce);
  }

  /** @param {number} ms @returns {Promise<void>} */
  function sleep(ms) {
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel();
        sleepers.delete(done);
        resolve();
      };
      const timer = createTimer(clock, done);
      sleepers.add(done);
      timer.set(ms);
    });
  }

  /** @param {string} nonce */
  async function find(nonce) {
    return (await mine()).find((item) => item.nonce === nonce);
  }

  return {
    /** Shows what an earlier visit left behind, and goes on sending it. */
    async start() {
      await show();
      await pumpAll();
    },
    stop() {
      stopped = true;
      takeOver.cancel();
      for (const wake of [...sleepers]) wake();
    },
    /**
     * Resolves when the text is safe; only then may the composer forget it.
     * @param {Pick<PendingItem, "room" | "content" | "reply_to" | "quoted" | "files" | "voice">} draft
     */
    async add(draft) {
      const nonce = deps.newNonce();
      const created_at = new Date(clock.now()).toISOString();
      await store.put({ ...draft, nonce, viewer, created_at, seq: 0, status: "queued", error: null });
      await changed();
      void pump(draft.room);
      return nonce;
    },
    /** @param {string} nonce */
    async retry(nonce) {
      const item = await find(nonce);
      if (!item || item.status !== "failed") return;
      await store.put({ ...item, status: "queued", error: null });
      await changed();
      void pump(item.room);
    },
    /** @param {string} nonce @returns {Promise<PendingItem | null>} what it was, for whoever wants it back */
    async discard(nonce) {
      const item = await find(nonce);
      if (!item || item.status !== "failed") return null;
      await store.remove(nonce);
      await changed();
      return item;
    },
    /**
     * Stops what is on its way. When the server has it already, it comes all the same.
     * @param {string} nonce @returns {Promise<PendingItem | null>} what it was
     */
    async cancel(nonce) {
      const item = await find(nonce);
      if (!item) return null;
      if (sending.has(nonce)) stopSending(nonce);
      else await store.remove(nonce);
      deps.announce({ type: "cancel", nonce });
      await changed();
      for (const wake of [...sleepers]) wake();
      return item;
    },
    /** The list already shows the message: its answer was lost on the way. @param {string[]} nonces */
    async settle(nonces) {
      const known = new Set((await mine()).map((item) => item.nonce));
      const gone = nonces.filter((nonce) => known.has(nonce));
      for (const nonce of gone) await store.remove(nonce);
      if (gone.length > 0) await changed();
    },
    /** Tries again now: the network is back. */
    wake() {
      for (const wake of [...sleepers]) wake();
    },
    /** What another tab of this browser says. @param {OutboxNews} news */
    heed(news) {
      if (news.type === "sent") deps.onSent(news, news.change);
      if (news.type === "sending") heedSending(news.nonce, news.sending);
      if (news.type === "cancel" && sending.has(news.nonce)) stopSending(news.nonce);
      void show();
      // The tab that wrote it sends it, unless it is closed before it could.
      if (news.type !== "sent" && !takeOver.isSet()) takeOver.set(TAKE_OVER * (1 + deps.random()));
    },
  };
}

/** @typedef {ReturnType<typeof createOutbox>} Outbox */
