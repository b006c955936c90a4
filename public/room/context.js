/**
 * A message too far back to be reached through the history: it is shown with what was said around it, in a dialog.
 *
 * @import { Message, Page } from "../types.js"
 */
import { request } from "../http.js";
import { fragment } from "../trusted.js";
import { finish } from "./entry.js";

const AROUND = 12;

/**
 * @param {{ path: string }} options the room's address
 */
export function createContext({ path }) {
  const dialog = document.getElementById("context-dialog");
  const list = dialog?.querySelector(".context-list");
  const body = dialog?.querySelector(".context-body");
  /** The positions of the first and the last message that are shown. */
  let [first, last] = [0, 0];

  /** The newest messages below a position. @param {number} before @returns {Promise<Page | null>} */
  async function fetchBefore(before) {
    const answer = await request(`${path}/fetch?before=${before}&limit=${AROUND}`);
    return answer.kind === "ok" ? /** @type {Page} */ (answer.body) : null;
  }

  /** @param {Message} message */
  function draw(message) {
    const line = document.createElement("li");
    const article = fragment(message.html);
    // The list behind may hold the same message.
    article.removeAttribute("id");
    line.dataset.context = String(message.id);
    line.append(article);
    finish(line);
    return line;
  }

  /** @param {"earlier" | "later"} direction */
  async function load(direction) {
    const page = await fetchBefore(direction === "earlier" ? first : last + AROUND + 1);
    if (!page) return;
    const fresh = page.messages.filter(({ position }) => (direction === "earlier" ? position < first : position > last));
    if (direction === "earlier") list?.prepend(...fresh.map(draw));
    else list?.append(...fresh.map(draw));
    note(fresh);
    const isEnd = direction === "earlier" ? !page.has_earlier : fresh.length === 0 && last + AROUND >= page.revision;
    // Between two messages there may be more revisions than a step spans.
    if (direction === "later" && fresh.length === 0 && !isEnd) last += AROUND;
    dialog?.querySelector(`[data-direction=${direction}]`)?.toggleAttribute("hidden", isEnd);
  }

  /** @param {Message[]} messages */
  function note(messages) {
    first = Math.min(first, ...messages.map(({ position }) => position));
    last = Math.max(last, ...messages.map(({ position }) => position));
  }

  for (const button of dialog?.querySelectorAll("[data-direction]") ?? []) {
    button.addEventListener("click", () => void load(button.getAttribute("data-direction") === "earlier" ? "earlier" : "later"));
  }

  return {
    /** @param {number} id @param {number} position @returns {Promise<boolean>} whether it could be shown */
    async open(id, position) {
      if (!(dialog instanceof HTMLDialogElement) || !list || position <= 0) return false;
      const page = await fetchBefore(position + AROUND / 2);
      if (!page?.messages.some((message) => message.id === id)) return false;
      list.replaceChildren(...page.messages.map(draw));
      first = last = position;
      note(page.messages);
      for (const button of dialog.querySelectorAll("[data-direction]")) button.removeAttribute("hidden");
      if (!dialog.open) dialog.showModal();
      const line = list.querySelector(`[data-context="${id}"]`);
      line?.classList.add("is-found");
      line?.scrollIntoView({ block: "center" });
      if (body instanceof HTMLElement) body.focus({ preventScroll: true });
      return true;
    },
  };
}
