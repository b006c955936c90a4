/**
 * What is pinned: a line above the talk with the latest pin, each click one further back; and all of them in a dialog.
 *
 * @import { Change, Quoted } from "../types.js"
 * @import { Effects, RoomState } from "./list_state.js"
 */
import { reasonOf, request } from "../http.js";
import { apply } from "../room_state.js";
import { number, t } from "../strings.js";
import { dialog, fillQuoted, quotedAt, show } from "./dialogs.js";
import { setName, setText } from "./text.js";
import { toast } from "./toast.js";

/** What the server rendered into the dialog. @returns {Quoted[]} */
export function readPins() {
  const text = (/** @type {Element} */ line, /** @type {string} */ part) => line.querySelector(part)?.textContent ?? "";
  return [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#pins-list [data-quoted]"))].map((line) => ({
    id: Number(line.dataset.quoted), position: Number(line.dataset.position), deleted: false, excerpt: text(line, ".quoted-excerpt"),
    author: { id: Number(line.dataset.author), first_name: text(line, ".quoted-author"), last_name: "", initials: "" },
  }));
}

/** @param {{ state: RoomState, jump(id: number, position: number): void, take(effects: Effects): void }} options */
export function createPins({ state, jump, take }) {
  const banner = document.getElementById("pins");
  const link = document.getElementById("pins-link");
  const open = dialog("pins-dialog");
  let at = 0;

  const pins = () => state.roomInfo?.pins ?? [];

  function draw() {
    const all = pins();
    if (at >= all.length) at = 0;
    banner?.toggleAttribute("hidden", all.length === 0);
    fillQuoted(open?.querySelector(".quoted-list"), "pin-template", all);
    drawBanner();
  }

  function drawBanner() {
    const pin = pins()[at];
    if (!pin || !link || !banner) return;
    link.setAttribute("href", `/message/${pin.id}`);
    setName(link.querySelector(".pins-author"), pin.author);
    setText(link.querySelector(".pins-excerpt"), pin.excerpt);
    const count = pins().length;
    setText(banner.querySelector(".pins-count"), count > 1 ? `${number(at + 1)} / ${number(count)}` : number(count));
  }

  /** @param {number} id @param {boolean} on */
  async function set(id, on) {
    const reply = await request(`/message/${id}/${on ? "pin" : "unpin"}`, { form: {} });
    if (reply.kind !== "ok") return toast(reasonOf(reply, t("js-network-error")));
    const change = /** @type {Partial<Change>} */ (reply.body);
    // What is so already is no change.
    if (change.room) take(apply(state, /** @type {Change} */ (change)));
    toast(t(on ? "js-pinned" : "js-unpinned"));
  }

  link?.addEventListener("click", (event) => {
    const pin = pins()[at];
    if (!pin) return;
    event.preventDefault();
    jump(pin.id, pin.position);
    at = (at + 1) % pins().length;
    drawBanner();
  });
  document.getElementById("pins-all")?.addEventListener("click", (event) => {
    event.preventDefault();
    show(open);
  });
  open?.addEventListener("click", (event) => {
    const line = quotedAt(event);
    if (!line) return;
    event.preventDefault();
    if (line.acts) return void set(line.id, false);
    open.close();
    jump(line.id, line.position);
  });
  drawBanner();

  return { draw, set };
}
