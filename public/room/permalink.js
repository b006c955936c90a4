/** A message's own address: copying it, and arriving by it. */

/** @import { Change, Message } from "../types.js" */
/** @import { RoomState } from "./list_state.js" */
import { isOurs, request } from "../http.js";
import { t } from "../strings.js";
import { toast } from "./toast.js";

/** @param {number} id @returns {Promise<Message | "unknown" | "unreachable">} the message with its content, wherever it stands */
export async function fetchMessage(id) {
  const reply = await request(`/message/${id}`);
  if (reply.kind === "ok") {
    const { chatroom, message } = /** @type {Change} */ (reply.body);
    if (message) return { ...message, chatroom };
  }
  return isOurs(reply, 403, 404) ? "unknown" : "unreachable";
}

/**
 * @param {{ state: RoomState, path: string, jump(id: number, position: number): Promise<boolean>, hidden(id: number): void }} options
 */
export function createPermalink({ state, path, jump, hidden }) {
  /** The message that the address names. */
  function target() {
    return Number(/^#message-(\d+)$/.exec(location.hash)?.[1]) || null;
  }

  /** @param {number} id */
  async function arrive(id) {
    const known = state.messages.get(id);
    const message = known ?? (await fetchMessage(id));
    if (message === "unreachable") return toast(t("js-network-error"));
    if (message === "unknown") return toast(t("js-link-unknown"));
    if (message.chatroom !== undefined && message.chatroom !== state.room) {
      return location.assign(`/message/chatroom/${message.chatroom}#message-${id}`);
    }
    if (state.hidden.has(id)) return hidden(id);
    if (!(await jump(id, message.position))) return toast(t("js-link-far"));
    if (message.deleted) toast(t("js-link-deleted"));
  }

  addEventListener("hashchange", () => {
    const id = target();
    if (id) void arrive(id);
  });

  return {
    target, arrive,
    /** @param {number} id */
    async copy(id) {
      const address = new URL(`${path}#message-${id}`, location.href).href;
      try {
        await navigator.clipboard.writeText(address);
        toast(t("js-link-copied"));
      } catch {
        // Without a secure context the address itself is what can be taken.
        toast(address);
      }
    },
  };
}
