/**
 * Reacting: what is clicked is seen at once, and undone when the server says no. Who reacted is told in a dialog.
 *
 * @import { Change, Person } from "../types.js"
 * @import { Effects, RoomState } from "./list_state.js"
 */
import { reasonOf, request } from "../http.js";
import { apply, wish, wishKey } from "../room_state.js";
import { t } from "../strings.js";
import { dialog, show } from "./dialogs.js";
import { isolatedName } from "./text.js";
import { reactionsOf } from "./list_state.js";
import { toast } from "./toast.js";

/** A finger that rests so long asks who reacted. */
const LONG_PRESS = 500;

/** @param {{ state: RoomState, list: HTMLElement, isOpen(): boolean, take(effects: Effects): void }} options */
export function createReactions({ state, list, isOpen, take }) {
  /** What is on its way: a second wish for the same waits for the answer to the first. @type {Set<string>} */
  const busy = new Set();

  /** @param {number} id @param {string} emoji */
  async function toggle(id, emoji) {
    const message = state.messages.get(id);
    if (!message || message.deleted || !isOpen()) return;
    const present = reactionsOf(state, message).find((reaction) => reaction.emoji === emoji);
    take(wish(state, id, emoji, !present?.users.includes(state.viewer)));
    const key = wishKey(id, emoji);
    if (busy.has(key)) return;
    busy.add(key);
    await send(id, emoji);
    busy.delete(key);
    take(wish(state, id, emoji, null));
  }

  /** Until the server has the last wish. @param {number} id @param {string} emoji */
  async function send(id, emoji) {
    const key = wishKey(id, emoji);
    for (let sent = state.wishes.get(key); sent; ) {
      const reply = await request(`/message/${id}/react/${encodeURIComponent(emoji)}`, { form: { on: String(sent.on) } });
      if (reply.kind !== "ok") return toast(reasonOf(reply, t("js-network-error")));
      take(apply(state, /** @type {Change} */ (reply.body)));
      const now = state.wishes.get(key);
      sent = now?.on === sent.on ? undefined : now;
    }
  }

  /** @param {number} id */
  async function whoReacted(id) {
    const reply = await request(`/message/${id}/reactions`);
    if (reply.kind !== "ok") return toast(reasonOf(reply, t("js-network-error")));
    const { reactions } = /** @type {{ reactions: { emoji: string, users: Person[] }[] }} */ (reply.body);
    const open = dialog("reactions-dialog");
    open?.querySelector(".who-list")?.replaceChildren(...reactions.map(({ emoji, users }) => {
      const line = document.createElement("li");
      const sign = document.createElement("span");
      sign.className = "who-emoji";
      sign.textContent = emoji;
      const names = document.createElement("span");
      names.append(...users.flatMap((user, index) => (index > 0 ? [", ", isolatedName(user)] : [isolatedName(user)])));
      line.append(sign, names);
      return line;
    }));
    show(open);
  }

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let pressing;
  let pressed = false;
  list.addEventListener("pointerdown", (event) => {
    const chip = event.target instanceof Element && event.pointerType === "touch" ? event.target.closest(".reaction") : null;
    const id = Number(chip?.closest("li")?.dataset.entry);
    pressed = false;
    clearTimeout(pressing);
    if (!id) return;
    pressing = setTimeout(() => {
      pressed = true;
      void whoReacted(id);
    }, LONG_PRESS);
  });
  for (const end of ["pointerup", "pointercancel", "pointermove"]) list.addEventListener(end, () => clearTimeout(pressing), { passive: true });
  list.addEventListener("click", (event) => {
    if (!pressed) return;
    pressed = false;
    event.preventDefault();
    event.stopPropagation();
  }, true);

  return { toggle, whoReacted };
}
