/**
 * Web Push on this browser: asked for by a button, never by itself; given out again after the browser was given another address; taken back
 * when the person signs out, by the server.
 */
import { reasonOf, request } from "./http.js";
import { t } from "./strings.js";
import { workerUrl } from "./trusted.js";

/** On this browser, in the words of the page's storage: this person wants to be told. */
const WISH = "palabre:desktop";
const RENEWED = "palabre:push-renewed";

/** @typedef {"unsupported" | "denied" | "off" | "on" | "page-only"} PushState */

const canPush = () => "serviceWorker" in navigator && "PushManager" in globalThis && "Notification" in globalThis;

/** @param {string} key base64url */
export function keyBytes(key) {
  const text = atob(key.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** @param {PushSubscription} subscription */
function give(subscription) {
  const { endpoint, keys = {} } = subscription.toJSON();
  return request("/push/subscribe", { form: { endpoint: endpoint ?? "", p256dh: keys.p256dh ?? "", auth: keys.auth ?? "" } });
}

/** @returns {Promise<PushSubscription | null>} */
async function present() {
  const registration = await navigator.serviceWorker.getRegistration("/");
  return (await registration?.pushManager.getSubscription()) ?? null;
}

/** Whether this browser is told by pushes, also while a page is open. */
export async function takesPushes() {
  return canPush() && (await present()) !== null;
}

/** Signing in anew makes a new session, and the subscription belongs to a session. Once a tab is enough. */
export async function renewPush() {
  if (!canPush() || localStorage.getItem(WISH) !== "on" || sessionStorage.getItem(RENEWED)) return;
  sessionStorage.setItem(RENEWED, "1");
  const subscription = await present();
  if (subscription && Notification.permission === "granted") await give(subscription);
}

/** Nobody is signed in: who signs in next gives the subscription again. */
export function forgetRenewal() {
  sessionStorage.removeItem(RENEWED);
}

/** @param {HTMLElement} section of the settings page */
export async function startPush(section) {
  const state = section.querySelector("#push-state");
  const actions = section.querySelector("#push-actions");
  const button = (/** @type {string} */ name) => section.querySelector(`[data-push=${name}]`);
  const key = section.dataset.pushKey ?? "";

  /** @returns {Promise<PushState>} */
  async function look() {
    if (!("Notification" in globalThis)) return "unsupported";
    if (Notification.permission === "denied") return "denied";
    const wished = localStorage.getItem(WISH) === "on" && Notification.permission === "granted";
    if (!wished) return "off";
    return (await takesPushes()) ? "on" : "page-only";
  }

  /** @param {PushState} now @param {string} [words] */
  function show(now, words) {
    if (state) state.textContent = words ?? t(`js-push-${now}`);
    section.dataset.push = now;
    actions?.toggleAttribute("hidden", now === "unsupported" || now === "denied");
    button("on")?.toggleAttribute("hidden", now === "on");
    button("test")?.toggleAttribute("hidden", now !== "on");
    button("off")?.toggleAttribute("hidden", now === "off");
  }

  async function turnOn() {
    if ((await Notification.requestPermission()) !== "granted") return show(await look());
    localStorage.setItem(WISH, "on");
    try {
      const registration = await navigator.serviceWorker.register(workerUrl(), { scope: "/" });
      await navigator.serviceWorker.ready;
      const subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: keyBytes(key) });
      const reply = await give(subscription);
      if (reply.kind !== "ok") return show(await look(), reasonOf(reply, t("js-network-error")));
    } catch (error) {
      // No push service is reachable from this browser: an open page can still tell.
      console.info("no push service", error);
    }
    show(await look());
  }

  async function turnOff() {
    localStorage.removeItem(WISH);
    const subscription = canPush() ? await present() : null;
    if (subscription) {
      await request("/push/unsubscribe", { form: { endpoint: subscription.endpoint } });
      await subscription.unsubscribe();
    }
    show(await look());
  }

  async function tryOut() {
    const subscription = await present();
    if (!subscription) return show(await look());
    const reply = await request("/push/test", { form: { endpoint: subscription.endpoint } });
    show(await look(), reply.kind === "ok" ? t("js-push-tested") : reasonOf(reply, t("js-push-failed")));
  }

  section.addEventListener("click", (event) => {
    const control = event.target instanceof Element ? event.target.closest("[data-push]") : null;
    if (!(control instanceof HTMLButtonElement)) return;
    const act = { on: turnOn, off: turnOff, test: tryOut }[control.dataset.push ?? ""];
    if (!act) return;
    control.disabled = true;
    void act().finally(() => {
      control.disabled = false;
    });
  });
  show(await look());
}
