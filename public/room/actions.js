/** What can be done to one line of the list, wherever it is clicked: one listener for all of them. */

/**
 * @typedef {{
 *   reply(id: number): void, edit(id: number): void, remove(id: number): void,
 *   retry(nonce: string): void, discard(nonce: string): void, cancelUpload(nonce: string): void, jump(id: number, position: number): void,
 *   react(id: number, emoji: string): void, mark(action: string, id: number, control: Element): boolean
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
      closeMenus(line);
    }
  });

  list.addEventListener("submit", (event) => {
    const form = event.target;
    const line = form instanceof HTMLFormElement ? form.closest("li") : null;
    if (!(form instanceof HTMLFormElement) || !line) return;
    event.preventDefault();
    const id = Number(line.dataset.entry);
    const { react, emoji = react } = event.submitter?.dataset ?? {};
    closeMenus(line);
    if (emoji) actions.react(id, emoji);
    else if (form.dataset.action === "delete") void confirmed("confirm-delete").then((yes) => yes && actions.remove(id));
    else actions.mark(form.dataset.action ?? "", id, form);
  });
}

/** @param {Element} line */
function closeMenus(line) {
  for (const menu of line.querySelectorAll("details[open]")) menu.removeAttribute("open");
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
    case "cancel-upload":
      actions.cancelUpload(nonce);
      return true;
    default:
      return actions.mark(control.getAttribute("data-action") ?? "", id, control);
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
