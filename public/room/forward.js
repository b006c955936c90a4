/**
 * Forwarding: the text is copied into another of one's rooms, as a quote, and goes the way of every message. It says who wrote it
 * and where it stands only as far as the sender ticks so; the link opens for who may see the original, and for nobody else.
 * Files stay where they are.
 *
 * @import { Message } from "../types.js"
 */
import { LONGEST, lengthOf } from "../composer.js";
import { t } from "../strings.js";
import { dialog, show } from "./dialogs.js";
import { nameOf } from "./entry.js";
import { setText } from "./text.js";
import { toast } from "./toast.js";

/**
 * @param {Message} message
 * @param {{ named: boolean, link: string | null }} wanted
 * @returns {string} Markdown
 */
export function forwarded({ author, content, created_at }, { named, link }) {
  const quote = (/** @type {string} */ text) => text.split("\n").map((line) => `> ${line}`.trimEnd()).join("\n");
  const head = named ? [quote(`**${nameOf(author).replace(/[\\*_`[\]<>]/g, "\\$&")}**`), ">"] : [];
  const foot = link ? [">", quote(`[${created_at.slice(0, 16).replace("T", " ")} UTC](${link})`)] : [];
  const room = LONGEST - lengthOf([...head, ...foot].join("\n")) - 16;
  const body = quote(content ?? "");
  return [...head, lengthOf(body) > room ? `${[...body].slice(0, room).join("")}…` : body, ...foot].join("\n");
}

/** @param {{ send(room: number, content: string): Promise<void> }} options */
export function createForward({ send }) {
  const open = dialog("forward-dialog");
  const search = open?.querySelector("input[type=search]");
  const rooms = open?.querySelector(".forward-rooms");
  /** @type {Message | null} */
  let message = null;

  function draw() {
    const wanted = fold(search instanceof HTMLInputElement ? search.value : "");
    const found = [...document.querySelectorAll("#rooms [data-room-link][data-room-state=active]")].flatMap((link) => {
      const title = link.querySelector(".room-title")?.textContent ?? "";
      return fold(title).includes(wanted) ? [choice(Number(link.getAttribute("data-room-link")), title)] : [];
    });
    rooms?.replaceChildren(...found);
  }

  /** @param {number} room @param {string} title */
  function choice(room, title) {
    const line = document.createElement("li");
    const button = document.createElement("button");
    button.className = "menu-item";
    button.type = "button";
    button.textContent = title;
    button.addEventListener("click", () => void chosen(room, title));
    line.append(button);
    return line;
  }

  /** @param {number} room @param {string} title */
  async function chosen(room, title) {
    if (!message) return;
    const ticked = (/** @type {string} */ name) => open?.querySelector(`[name=${name}]:checked`) != null;
    const link = ticked("linked") ? new URL(`/message/${message.id}`, location.href).href : null;
    const content = forwarded(message, { named: ticked("named"), link });
    message = null;
    open?.close();
    await send(room, content);
    toast(t("js-forwarded", { title }), { label: t("js-open"), href: `/message/chatroom/${room}` });
  }

  search?.addEventListener("input", draw);

  return {
    /** @param {Message} chosenMessage with its content */
    ask(chosenMessage) {
      message = chosenMessage;
      if (search instanceof HTMLInputElement) search.value = "";
      setText(open?.querySelector(".forward-text") ?? null, chosenMessage.excerpt);
      draw();
      show(open);
    },
  };
}

/** @param {string} text */
function fold(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().trim();
}
