/**
 * What can be done with a message besides writing and answering: react, pin, hide, link, forward, look back. And with the room as a
 * whole: lock, archive, restore.
 *
 * @import { Change, Message } from "../types.js"
 * @import { Effects, RoomState } from "./list_state.js"
 */
import { reasonOf, request } from "../http.js";
import { apply } from "../room_state.js";
import { t } from "../strings.js";
import { createForward } from "./forward.js";
import { createHiding } from "./hiding.js";
import { createPermalink, fetchMessage } from "./permalink.js";
import { createPins } from "./pins.js";
import { createReactions } from "./reactions.js";
import { toast } from "./toast.js";
import { showVersions } from "./versions.js";

/**
 * @param {{
 *   state: RoomState, list: HTMLElement, path: string, isOpen(): boolean,
 *   take(effects: Effects): void, jump(id: number, position: number): Promise<boolean>, send(room: number, content: string): Promise<void>
 * }} options
 */
export function createMarks({ state, list, path, isOpen, take, jump, send }) {
  const reactions = createReactions({ state, list, isOpen, take });
  const hiding = createHiding({ state, take });
  const permalink = createPermalink({ state, path, jump, hidden: hiding.told });
  const pins = createPins({ state, take, jump: (id, position) => void jump(id, position) });
  const forward = createForward({ send });

  /** With its Markdown, which a message that came with the page has not. @param {number} id @param {(message: Message) => void} use */
  async function whole(id, use) {
    const known = state.messages.get(id);
    const message = known && known.content !== null ? known : await fetchMessage(id);
    if (message === "unknown" || message === "unreachable") toast(t(message === "unknown" ? "js-link-unknown" : "js-network-error"));
    else use(message);
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.dataset.roomVerb === undefined) return;
    event.preventDefault();
    void changeRoom(form.action);
  });

  /** @param {string} address */
  async function changeRoom(address) {
    const reply = await request(address, { form: {} });
    if (reply.kind === "ok") take(apply(state, /** @type {Change} */ (reply.body)));
    else toast(reasonOf(reply, t("js-network-error")));
  }

  return {
    /** @param {number} id @param {string} emoji */
    react: (id, emoji) => void reactions.toggle(id, emoji),
    /** One of the tools of a message: whether it is one of these. @param {string} action @param {number} id @param {Element} control */
    mark(action, id, control) {
      switch (action) {
        case "reactions":
          void reactions.whoReacted(id);
          return true;
        case "copy-link":
          void permalink.copy(id);
          return true;
        case "forward":
          void whole(id, forward.ask);
          return true;
        case "versions":
          void whole(id, (message) => void showVersions(message));
          return true;
        case "pin":
          void pins.set(id, !control.closest("li")?.classList.contains("is-pinned"));
          return true;
        case "previews":
          void changeRoom(`/message/${id}/previews/remove`);
          return true;
        case "hide":
          void hiding.set(id, true);
          return true;
        default:
          return false;
      }
    },
    showRoom: pins.draw,
    heardHidden: hiding.heard,
    target: permalink.target,
    arrive: permalink.arrive,
  };
}
