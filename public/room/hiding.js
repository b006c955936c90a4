/**
 * Hiding a message from oneself, on all devices: it folds to nothing, and may be called back.
 *
 * @import { Quoted, UserEventBody } from "../types.js"
 * @import { Effects, RoomState } from "./list_state.js"
 */
import { reasonOf, request } from "../http.js";
import { setHidden } from "../room_state.js";
import { t } from "../strings.js";
import { dialog, fillQuoted, quotedAt, show } from "./dialogs.js";
import { toast } from "./toast.js";

/** @param {{ state: RoomState, take(effects: Effects): void }} options */
export function createHiding({ state, take }) {
  const open = dialog("hidden-dialog");

  /** @param {number} id @param {boolean} on */
  async function set(id, on) {
    take(setHidden(state, id, on));
    const reply = await request(`/message/${id}/hide`, { form: { on: String(on) } });
    if (reply.kind !== "ok") {
      take(setHidden(state, id, !on));
      return toast(reasonOf(reply, t("js-network-error")));
    }
    if (on) told(id);
  }

  /** @param {number} id */
  function told(id) {
    toast(t("js-hidden"), { label: t("js-undo"), act: () => void set(id, false) });
  }

  async function list() {
    const reply = await request(`/message/chatroom/${state.room}/hidden`);
    if (reply.kind !== "ok") return toast(reasonOf(reply, t("js-network-error")));
    const { hidden } = /** @type {{ hidden: Quoted[] }} */ (reply.body);
    fillQuoted(open?.querySelector(".quoted-list"), "hidden-template", hidden);
    show(open);
  }

  open?.addEventListener("click", (event) => {
    const line = quotedAt(event);
    if (!line?.acts) return;
    line.line.remove();
    void set(line.id, false);
  });
  // The column that holds the link is replaced now and then.
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("[data-action=hidden-list]") : null;
    if (!link) return;
    event.preventDefault();
    void list();
  });

  return {
    set, told,
    /** Another device of this person. @param {UserEventBody} event */
    heard({ kind, message, chatroom }) {
      if (chatroom === state.room && message !== undefined) take(setHidden(state, message, kind === "hidden"));
    },
  };
}
