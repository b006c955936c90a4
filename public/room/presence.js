/**
 * Who is here: dots on the people and on the faces beside their messages, and since when somebody has not been.
 */
import { request } from "../http.js";
import { t } from "../strings.js";
import { dayLabel, dayOf, longTime, shortTime } from "../time.js";
import { setText } from "./entry.js";
import { listsSome } from "./people_search.js";

/** @typedef {{ user: number, status: "online" | "away" | "offline" | null, seen_at?: string }} Here */

/** Nobody has looked at this page for so long: its person is away, unless another page is looked at. */
const AWAY_AFTER = 5 * 60_000;
const ASK_EVERY = 2_000;

/** @param {{ room: number, viewer: number, onTypists(users: number[], names: import("../types.js").Person[]): void }} options */
export function createPresence({ room, viewer, onTypists }) {
  /** @type {Map<number, Here>} */
  const people = new Map();
  // The faces beside messages belong to fragments that are the same for everybody: rules reach them, attributes do not.
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  let askedAt = -Infinity;
  let saidAway = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let hiddenTimer;

  function draw() {
    for (const line of document.querySelectorAll("#members [data-member]")) {
      if (line instanceof HTMLElement) drawPerson(line, people.get(Number(line.dataset.member)));
    }
    const here = (/** @type {string} */ status) => [...people.values()].filter((one) => one.status === status).map(({ user }) => `.message[data-author="${user}"]`);
    const rules = ["online", "away"].flatMap((status) => (here(status).length > 0 ? [`:is(${here(status).join(",")}) > .avatar::after { visibility: visible; background: var(--is-${status}); }`] : []));
    sheet.replaceSync(rules.join("\n"));
  }

  /** @param {HTMLElement} line @param {Here | undefined} here */
  function drawPerson(line, here) {
    const words = line.querySelector(".person-seen");
    if (!here?.status) {
      delete line.dataset.status;
      words?.setAttribute("hidden", "");
      return;
    }
    line.dataset.status = here.status;
    words?.removeAttribute("hidden");
    setText(words, here.status === "offline" && here.seen_at ? t("js-presence-seen", { time: moment(here.seen_at) }) : t(`js-presence-${here.status}`));
    if (here.seen_at) words?.setAttribute("title", longTime(here.seen_at));
  }

  /** @param {string} at */
  function moment(at) {
    if (dayOf(at) === dayOf(new Date().toISOString())) return shortTime(at);
    return dayLabel(at, Date.now()).toLocaleLowerCase(document.documentElement.lang);
  }

  /** @param {Here[]} news */
  function apply(news) {
    for (const here of news) {
      if (here.status === null) people.delete(here.user);
      else people.set(here.user, here);
      if (here.user === viewer && here.status === "away") object();
    }
    draw();
  }

  /** Another page of this person says that nobody looks; this one knows better. */
  function object() {
    if (!document.hidden) void request("/presence/away", { form: { on: "false" } });
  }

  function watch() {
    clearTimeout(hiddenTimer);
    if (document.hidden) {
      hiddenTimer = setTimeout(() => {
        saidAway = true;
        void request("/presence/away", { form: { on: "true" } });
      }, AWAY_AFTER);
    } else if (saidAway) {
      saidAway = false;
      object();
    }
  }

  document.addEventListener("visibilitychange", watch);
  watch();

  return {
    draw, apply, object,
    /** @param {number} user */
    left(user) {
      if (people.delete(user)) draw();
    },
    async refresh() {
      if (Date.now() - askedAt < ASK_EVERY) return;
      askedAt = Date.now();
      // Of a large room the server tells of who is here, and of those whom the page lists.
      const users = listsSome() ? [...document.querySelectorAll("#members [data-member]")].map((line) => line.getAttribute("data-member")) : [];
      const reply = await request(`/presence/${room}${users.length > 0 ? `?users=${users.join(",")}` : ""}`);
      if (reply.kind !== "ok") return;
      const { people: all, typing, typist_names: names = [] } = /** @type {{ people: Here[], typing: number[], typist_names?: import("../types.js").Person[] }} */ (reply.body);
      people.clear();
      apply(all);
      onTypists(typing, names);
    },
  };
}
