/** Signing out with the button: what the person wrote leaves this browser, in all its tabs; what is not sent yet is asked about. */
import { forgetDrafts } from "./drafts.js";
import { openStore } from "./outbox_store.js";
import { plural } from "./strings.js";

const CHANNEL = "palabre-session";

export function startSigningOut() {
  const form = document.querySelector("form[data-sign-out]");
  if (!(form instanceof HTMLFormElement)) return;
  const person = Number(form.dataset.signOut);
  const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(CHANNEL) : null;
  channel?.addEventListener("message", ({ data }) => {
    if (data?.signedOut !== person) return;
    forgetDrafts(person);
    location.replace("/login?notice=signed-out");
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void signOut();
  });

  async function signOut() {
    const store = await openStore();
    const unsent = (await store.all()).filter((item) => item.viewer === person);
    if (unsent.length > 0 && !confirm(plural("js-sign-out-unsent", unsent.length))) return;
    for (const { nonce } of unsent) await store.remove(nonce);
    forgetDrafts(person);
    channel?.postMessage({ signedOut: person });
    /** @type {HTMLFormElement} */ (form).submit();
  }
}
