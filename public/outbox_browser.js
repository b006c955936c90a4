/**
 * The outbox in this browser: its database, its locks, and the channel on which the tabs of one person hear each other.
 *
 * @import { Change, PendingItem } from "./types.js"
 * @import { Outbox, OutboxNews, OutboxStore, SendOutcome } from "./outbox.js"
 */
import { isOurs, reasonOf, request } from "./http.js";
import { browserClock } from "./link/backoff.js";
import { createOutbox } from "./outbox.js";
import { browserLock, newNonce } from "./outbox_store.js";
import { t } from "./strings.js";

/**
 * @param {{
 *   store: OutboxStore, viewer: number, onSent(item: { nonce: string }, change: Change): void, onItems(items: PendingItem[]): void, onSignedOut(): void
 * }} options
 * @returns {Outbox}
 */
export function startOutbox({ store, viewer, onSent, onItems, onSignedOut }) {
  const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(`palabre-outbox-${viewer}`) : null;
  const outbox = createOutbox({
    store,
    viewer,
    clock: browserClock,
    random: Math.random,
    newNonce,
    lock: browserLock,
    send,
    announce: (news) => channel?.postMessage(news),
    onSent,
    onItems,
    onSignedOut,
  });
  channel?.addEventListener("message", ({ data }) => outbox.heed(/** @type {OutboxNews} */ (data)));
  return outbox;
}

/** @param {PendingItem} item @returns {Promise<SendOutcome>} */
async function send({ room, content, reply_to, nonce }) {
  const reply = await request(`/message/chatroom/${room}`, { form: { content, reply_to, client_nonce: nonce } });
  switch (reply.kind) {
    case "ok":
      return { kind: "sent", change: /** @type {Change} */ (reply.body) };
    case "refused":
      if (isOurs(reply, 401)) return { kind: "signed-out" };
      return { kind: "refused", message: reasonOf(reply, t("js-failed")) };
    case "later":
      return { kind: "later", after: reply.after };
    case "same":
    case "unreachable":
      return { kind: "unreachable" };
  }
}
