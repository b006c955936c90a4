/**
 * Where the outbox keeps its items: IndexedDB, or the page's memory where the browser refuses a database.
 *
 * @import { PendingItem } from "./types.js"
 * @import { OutboxStore } from "./outbox.js"
 */

const DATABASE = "palabre";
const TABLE = "outbox";
/** What could not be stored is numbered after everything that was. */
const AFTER_ALL = 1e12;

/** @param {number} [first] the number before the first item's @returns {OutboxStore} */
export function memoryStore(first = 0) {
  /** @type {Map<string, PendingItem>} */
  const items = new Map();
  let seq = first;
  return {
    all: async () => [...items.values()],
    async put(item) {
      // An item that was settled meanwhile must not come back.
      if (item.seq > 0 && !items.has(item.nonce)) return item;
      const kept = item.seq > 0 ? item : { ...item, seq: (seq += 1) };
      items.set(kept.nonce, kept);
      return kept;
    },
    async remove(nonce) {
      items.delete(nonce);
    },
  };
}

/** @returns {Promise<OutboxStore>} */
export async function openStore() {
  const memory = memoryStore(AFTER_ALL);
  let database;
  try {
    database = await open();
  } catch {
    return memory;
  }
  return withFallback(databaseStore(database), memory);
}

/**
 * A database that is full or was taken away must not cost the text: what it refuses stays in memory.
 * @param {OutboxStore} first
 * @param {OutboxStore} memory
 * @returns {OutboxStore}
 */
function withFallback(first, memory) {
  return {
    async all() {
      const kept = await first.all().catch(() => []);
      return [...kept, ...(await memory.all())];
    },
    async put(item) {
      const inMemory = (await memory.all()).some(({ nonce }) => nonce === item.nonce);
      if (inMemory) return memory.put(item);
      return first.put(item).catch(() => memory.put({ ...item, seq: 0 }));
    },
    async remove(nonce) {
      await memory.remove(nonce);
      await first.remove(nonce).catch(() => {});
    },
  };
}

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => {
      const table = opening.result.createObjectStore(TABLE, { keyPath: "seq", autoIncrement: true });
      table.createIndex("nonce", "nonce", { unique: true });
    };
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
    opening.onblocked = () => reject(new Error("blocked"));
  });
}

/** @param {IDBDatabase} database @returns {OutboxStore} */
function databaseStore(database) {
  /**
   * @template T
   * @param {IDBTransactionMode} mode
   * @param {(table: IDBObjectStore) => IDBRequest<T>} work
   * @returns {Promise<T>} once the transaction is durable, not merely asked for
   */
  const run = (mode, work) =>
    new Promise((resolve, reject) => {
      const transaction = database.transaction(TABLE, mode);
      const asked = work(transaction.objectStore(TABLE));
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });

  /** @param {string} nonce */
  const keyOf = (nonce) => run("readonly", (table) => table.index("nonce").getKey(nonce));

  return {
    all: () => run("readonly", (table) => table.getAll()),
    async put(item) {
      if (item.seq > 0) {
        if ((await keyOf(item.nonce)) !== undefined) await run("readwrite", (table) => table.put(item));
        return item;
      }
      const { seq: _none, ...fresh } = item;
      const seq = await run("readwrite", (table) => table.add(fresh));
      return { ...item, seq: Number(seq) };
    },
    async remove(nonce) {
      const key = await keyOf(nonce);
      if (key !== undefined) await run("readwrite", (table) => table.delete(key));
    },
  };
}

/** Random as crypto gives it, also on plain http, where `randomUUID` is missing. @returns {string} */
export function newNonce() {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** One sender per browser; without locks the nonce keeps two senders from doubling anything. @type {(name: string, run: () => Promise<void>) => Promise<void>} */
export async function browserLock(name, run) {
  if (!navigator.locks) return run();
  await navigator.locks.request(name, run);
}
