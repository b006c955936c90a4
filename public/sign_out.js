/** Signing out with the button: what the person wrote leaves this browser, in all its tabs; what is not sent yet is asked about. */
import { forgetDrafts } from "./drafts.js";
import { request } from "./http.js";
import { openStore } from "./outbox_store.js";
import { setText } from "./room/text.js";
import { plural } from "./strings.js";

const CHANNEL = "palabre-session";
const AFTER = "/login?notice=signed-out";

export function startSigningOut() {
  const form = document.querySelector("form[data-sign-out]");
  if (!(form instanceof HTMLFormElement)) return;
  const person = Number(form.dataset.signOut);
  const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(CHANNEL) : null;
  channel?.addEventListener("message", ({ data }) => {
    if (data?.signedOut !== person) return;
    forgetDrafts(person);
    location.replace(AFTER);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void signOut();
  });

  async function signOut() {
    const store = await openStore();
    const unsent = (await store.all()).filter((item) => item.viewer === person);
    if (unsent.length > 0 && !(await mayLose(unsent.length))) return;
    for (const { nonce } of unsent) await store.remove(nonce);
    forgetDrafts(person);
    const reply = await request("/logout", { form: {} });
    // Without an answer the browser itself asks, and says what is wrong.
    if (reply.kind !== "ok") return /** @type {HTMLFormElement} */ (form).submit();
    // Only now: a page that asks for anything before is signed in still.
    channel?.postMessage({ signedOut: person });
    location.assign(AFTER);
  }
}

/** Asks whether what is not sent may go. @param {number} count @returns {Promise<boolean>} */
function mayLose(count) {
  const dialog = document.getElementById("sign-out-dialog");
  if (!(dialog instanceof HTMLDialogElement)) return Promise.resolve(true);
  setText(dialog.querySelector("p"), plural("js-sign-out-unsent", count));
  dialog.returnValue = "stay";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "leave"), { once: true });
  });
}
