/**
 * The bell: how much is new stands on it, under it opens the list. Events say when to look; the server's sentences are shown as they are.
 *
 * @import { UserEventBody } from "./types.js"
 * @typedef {{
 *   revision: number, kind: string, text: string, excerpt: string, at: string, seen: boolean, url: string,
 *   actor: { id: number, initials: string } | null
 * }} Notice
 * @typedef {{ unseen: number, revision: number, notices: Notice[] }} Notices
 */
import { request } from "./http.js";
import { takesPushes } from "./push.js";
import { setText } from "./room/text.js";
import { number } from "./strings.js";
import { dayLabel, longTime, shortTime } from "./time.js";

/** Several events of one moment are one look. */
const TOGETHER = 250;
/** Where no link tells of events, a page asks when it is looked at, and so often. */
const EVERY = 60_000;
const MOST = 99;

const KINDS = ["mention", "reply", "participation_asked", "participation_approved", "participation_refused", "removed", "role_changed"];

/** @param {Element} within */
export function drawTimes(within) {
  for (const time of within.querySelectorAll("time.told-time")) {
    const at = time.getAttribute("datetime");
    if (!at) continue;
    time.textContent = `${dayLabel(at, Date.now())}, ${shortTime(at)}`;
    time.setAttribute("title", longTime(at));
  }
}

/** @param {Notice} notice */
function drawNotice({ revision, text, excerpt, at, seen, url, actor }) {
  const template = document.getElementById("notice-template");
  const pattern = template instanceof HTMLTemplateElement ? template.content.querySelector("li") : null;
  const line = document.importNode(pattern ?? document.createElement("li"), true);
  line.dataset.revision = String(revision);
  line.classList.toggle("is-new", !seen);
  line.querySelector("a")?.setAttribute("href", url);
  setText(line.querySelector(".told-text"), text);
  setText(line.querySelector(".told-excerpt"), excerpt);
  line.querySelector("time")?.setAttribute("datetime", at);
  const avatar = line.querySelector(".avatar");
  if (avatar && actor) avatar.className = `avatar hue-${actor.id % 12}`;
  setText(avatar, actor?.initials ?? "");
  return line;
}

/** @param {{ isLive?: boolean }} [options] `isLive`: somebody tells of events through `hear` */
export function createNotices({ isLive = false } = {}) {
  const counts = () => document.querySelectorAll("[data-bell-count]");
  const panel = document.getElementById("notices");
  const list = document.getElementById("notice-list");
  let unseen = Number(counts()[0]?.textContent ?? 0) || 0;
  /** What was there before is no news. @type {number | null} */
  let newest = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** @param {number} count */
  function show(count) {
    unseen = count;
    for (const badge of counts()) {
      badge.toggleAttribute("hidden", count === 0);
      badge.textContent = count === 0 ? "" : count > MOST ? `${number(MOST)}+` : number(count);
    }
  }

  async function look() {
    timer = undefined;
    const reply = await request("/notifications");
    if (reply.kind !== "ok") return;
    const page = /** @type {Notices} */ (reply.body);
    show(page.unseen);
    if (newest !== null) void announce(page.notices.filter(({ revision, seen }) => !seen && revision > (newest ?? 0)));
    newest = Math.max(newest ?? 0, page.revision);
    panel?.querySelector("[name=revision]")?.setAttribute("value", String(page.revision));
    if (!list) return;
    list.replaceChildren(...page.notices.map(drawNotice));
    drawTimes(list);
    document.getElementById("notices-empty")?.toggleAttribute("hidden", page.notices.length > 0);
  }

  function soon() {
    if (timer === undefined) timer = setTimeout(() => void look(), TOGETHER);
  }

  panel?.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState === "open") void look();
  });
  panel?.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest(".told-link") && panel instanceof HTMLElement) panel.hidePopover();
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement)) return;
    const path = new URL(form.action).pathname;
    if (path === "/notifications/seen" && panel?.contains(form)) {
      event.preventDefault();
      const revision = form.querySelector("[name=revision]")?.getAttribute("value") ?? "";
      void request(path, { form: { revision } }).then(look);
    } else if (/^\/chatroom\/\d+\/notifications$/.test(path) && event.submitter instanceof HTMLButtonElement) {
      event.preventDefault();
      void chooseLevel(path, event.submitter);
    }
  });

  /** @param {string} path @param {HTMLButtonElement} button */
  async function chooseLevel(path, button) {
    const reply = await request(path, { form: { level: button.value } });
    if (reply.kind !== "ok") return;
    for (const other of button.parentElement?.querySelectorAll("button") ?? []) {
      other.setAttribute("aria-pressed", String(other === button));
    }
    document.getElementById("bell")?.setAttribute("data-level", button.value);
  }

  drawTimes(document.documentElement);
  document.addEventListener("visibilitychange", () => !document.hidden && counts().length > 0 && (unseen > 0 || !isLive) && soon());
  if (counts().length > 0) soon();
  if (!isLive && counts().length > 0) setInterval(() => !document.hidden && soon(), EVERY);

  return {
    /** An own event. @param {UserEventBody} event @returns {boolean} whether nobody else needs to hear it */
    hear({ kind }) {
      if (KINDS.includes(kind) || (kind === "read" && unseen > 0)) soon();
      return kind === "mention" || kind === "reply";
    },
  };
}

/**
 * Tells on the screen what is new while the page is out of sight, once a browser: tabs use the same tag.
 * Where the browser takes pushes, those tell it.
 * @param {Notice[]} notices
 */
async function announce(notices) {
  const wanted = globalThis.Notification?.permission === "granted" && localStorage.getItem("palabre:desktop") === "on";
  if (!document.hidden || !wanted || (await takesPushes())) return;
  for (const { text, url, revision } of notices.slice(0, 3)) {
    const shown = new Notification(text, { tag: `notice-${revision}` });
    shown.addEventListener("click", () => {
      window.focus();
      location.assign(url);
    });
  }
}
