/** The entry: every page works without it; this makes the present one better. */
import { startChatroom } from "./chatroom.js";
import { startGoals } from "./goals.js";
import { startMenus } from "./menus.js";
import { createNotices } from "./notices.js";
import { loadStrings } from "./strings.js";
import { startPreferences } from "./preferences.js";
import { startSigningOut } from "./sign_out.js";
import { forgetRenewal, renewPush, startPush } from "./push.js";

loadStrings(document);
startPreferences();
startMenus();
startSigningOut();
forgetNotice();
sendOnce();
const room = document.getElementById("chatroom");
if (room) void startChatroom(room);
else createNotices();
const push = document.getElementById("push");
if (push) void startPush(push);
if (document.querySelector("[data-bell-count]")) void renewPush();
else forgetRenewal();
const goals = document.querySelector("main[data-follow]");
if (goals instanceof HTMLElement) startGoals(goals);

/** A sentence about what was just done is not said again when the page is reloaded or kept as a bookmark. */
function forgetNotice() {
  const address = new URL(location.href);
  if (!address.searchParams.has("notice")) return;
  address.searchParams.delete("notice");
  history.replaceState(history.state, "", address);
}

/** A form that leaves for the server leaves once, however often its button is pressed. */
function sendOnce() {
  /** @type {Set<HTMLFormElement>} */
  const sent = new Set();
  addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || !(form instanceof HTMLFormElement) || form.method === "dialog") return;
    if (sent.has(form)) event.preventDefault();
    sent.add(form);
  });
  // A page that comes back from the browser's memory may be sent again.
  addEventListener("pageshow", () => sent.clear());
}
