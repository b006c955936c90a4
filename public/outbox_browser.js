/**
 * The outbox in this browser: its database, its locks, and the channel on which the tabs of one person hear each other.
 *
 * @import { Change, PendingFile, PendingItem } from "./types.js"
 * @import { Outbox, OutboxNews, OutboxStore, SendOutcome } from "./outbox.js"
 */
import { isOurs, reasonOf, request, upload } from "./http.js";
import { browserClock } from "./link/backoff.js";
import { createOutbox } from "./outbox.js";
import { browserLock, newNonce } from "./outbox_store.js";
import { t } from "./strings.js";

/**
 * @param {{
 *   store: OutboxStore, viewer: number, onSent(item: { nonce: string }, change: Change): void, onItems(items: PendingItem[]): void,
 *   onProgress(nonce: string, part: number): void, onSignedOut(): void
 * }} options
 * @returns {Outbox}
 */
export function startOutbox({ store, viewer, onSent, onItems, onProgress, onSignedOut }) {
  const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(`palabre-outbox-${viewer}`) : null;
  /** What is on its way, to be stopped. @type {Map<string, AbortController>} */
  const underWay = new Map();
  const outbox = createOutbox({
    store,
    viewer,
    clock: browserClock,
    random: Math.random,
    newNonce,
    lock: browserLock,
    async send(item) {
      const stop = new AbortController();
      underWay.set(item.nonce, stop);
      try {
        return await send(item, { signal: stop.signal, onProgress: (part) => onProgress(item.nonce, part) });
      } finally {
        underWay.delete(item.nonce);
      }
    },
    abort: (nonce) => underWay.get(nonce)?.abort(),
    announce: (news) => channel?.postMessage(news),
    onSent,
    onItems,
    onSignedOut,
  });
  channel?.addEventListener("message", ({ data }) => outbox.heed(/** @type {OutboxNews} */ (data)));
  return outbox;
}

/**
 * @param {PendingItem} item
 * @param {{ signal: AbortSignal, onProgress(part: number): void }} options
 * @returns {Promise<SendOutcome>}
 */
async function send({ room, content, reply_to, nonce, files = [], voice }, { signal, onProgress }) {
  const path = `/message/chatroom/${room}${voice ? "/send-voice" : ""}`;
  const form = { content, reply_to, client_nonce: nonce };
  const reply = files.length > 0 ? await upload(path, parts(form, voice ? "voice" : "attachment", files), { signal, onProgress }) : await request(path, { form, signal });
  switch (reply.kind) {
    case "ok":
      return { kind: "sent", change: /** @type {Change} */ (reply.body) };
    case "refused":
      if (isOurs(reply, 401)) return { kind: "signed-out" };
      return { kind: "refused", message: reasonOf(reply, t("js-failed")) };
    case "later":
      return { kind: "later", after: reply.after, message: reasonOf(reply, t("js-failed")) };
    case "same":
    case "unreachable":
      return { kind: "unreachable" };
  }
}

/**
 * The nonce goes before the files: the server asks for it before it takes them.
 * @param {Record<string, string | number | null>} fields
 * @param {string} field
 * @param {PendingFile[]} files
 */
function parts(fields, field, files) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) if (value !== null) form.append(name, String(value));
  for (const { name, blob } of files) form.append(field, blob, name);
  return form;
}
