/** What can be done to one line of the list, wherever it is clicked: one listener for all of them. */

/**
 * @typedef {{
 *   reply(id: number): void, edit(id: number): void, remove(id: number): void,
 *   retry(nonce: string): void, discard(nonce: string): void, jump(id: number, position: number): void, unread(id: number): void
 * }} ListActions
 */

/** @param {HTMLElement} list @param {ListActions} actions */
export function listenToList(list, actions) {
  list.addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const control = event.target.closest("[data-action], .entry-quote");
    const line = event.target.closest("li");
    if (!control || !line || control instanceof HTMLFormElement) return;
    if (act(control, line, actions)) {
      event.preventDefault();
      line.querySelector("details[open]")?.removeAttribute("open");
    }
  });

  list.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !["delete", "unread"].includes(form.dataset.action ?? "")) return;
    event.preventDefault();
    const id = Number(form.closest("li")?.dataset.entry);
    form.closest("details")?.removeAttribute("open");
    if (form.dataset.action === "unread") return actions.unread(id);
    void confirmed("confirm-delete").then((yes) => yes && actions.remove(id));
  });
}

/** @param {Element} control @param {HTMLElement} line @param {ListActions} actions */
function act(control, line, actions) {
  const id = Number(line.dataset.entry);
  const nonce = line.dataset.nonce ?? "";
  if (control.classList.contains("entry-quote")) {
    const target = /#message-(\d+)$/.exec(control.getAttribute("href") ?? "");
    const position = control.getAttribute("data-position") ?? line.querySelector(".message")?.getAttribute("data-reply-position");
    if (!target) return false;
    actions.jump(Number(target[1]), Number(position ?? 0));
    return true;
  }
  switch (control.getAttribute("data-action")) {
    case "reply":
      actions.reply(id);
      return true;
    case "edit":
      actions.edit(id);
      return true;
    case "retry":
      actions.retry(nonce);
      return true;
    case "discard":
      actions.discard(nonce);
      return true;
    default:
      return false;
  }
}

/** @param {string} id of a dialog whose form answers "confirm" @returns {Promise<boolean>} */
export function confirmed(id) {
  const dialog = document.getElementById(id);
  if (!(dialog instanceof HTMLDialogElement)) return Promise.resolve(true);
  return new Promise((resolve) => {
    dialog.returnValue = "";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "confirm"), { once: true });
    dialog.showModal();
  });
}
