/**
 * The people of a room that are too many for its page: found by name in the right column, and for who is about to be mentioned.
 *
 * @import { Person } from "../types.js"
 */
import { request } from "../http.js";
import { clonePerson } from "../people.js";
import { number, plural, t } from "../strings.js";
import { setText } from "./text.js";

/** @typedef {{ user: Person, role: string, is_alike?: boolean }} Listed */
/** @typedef {{ count: number, members: Listed[], next: string | null }} PeoplePage */

const TYPING = 200;
/** One answer looks at a part of a very large room only. */
const FURTHER = 8;
const ENOUGH = 20;
/** Answers that are kept: who deletes a letter asks nothing anew. */
const KEPT = 50;

/** Whether the page lists some of the room's people only. */
export function listsSome() {
  return document.getElementById("members")?.dataset.some !== undefined;
}

/** How many are in the room. */
export function memberCount() {
  return Number(document.getElementById("members")?.dataset.count ?? 0);
}

/**
 * @param {number} room @param {string} q @param {AbortSignal} signal
 * @returns {Promise<PeoplePage | null>}
 */
async function findPeople(room, q, signal) {
  /** @type {Listed[]} */
  const members = [];
  let [after, count] = ["", 0];
  for (let round = 0; round < FURTHER; round += 1) {
    const answer = await request(`/chatroom/${room}/members?${new URLSearchParams({ q, after })}`, { signal });
    if (answer.kind !== "ok") return null;
    const page = /** @type {PeoplePage} */ (answer.body);
    members.push(...page.members);
    ({ count } = page);
    after = page.next ?? "";
    if (after === "" || members.length >= ENOUGH) break;
  }
  return { count, members, next: after || null };
}

/**
 * Those whose names begin like this, for the suggestions of mentions.
 * @param {number} room
 * @returns {(query: string) => Promise<Person[]>}
 */
export function peopleAsker(room) {
  /** @type {Map<string, Person[]>} */
  const known = new Map();
  /** @type {AbortController | null} */
  let asking = null;
  return async (query) => {
    asking?.abort();
    const kept = known.get(query);
    if (kept) return kept;
    asking = new AbortController();
    const page = await findPeople(room, query, asking.signal);
    if (!page) return [];
    const people = page.members.map(({ user }) => user);
    if (known.size >= KEPT) known.clear();
    known.set(query, people);
    return people;
  };
}

/** The field above the people of a large room. The column may be taken anew from the server at any time. @param {{ room: number }} options */
export function createPeopleSearch({ room }) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {AbortController | null} */
  let asking = null;
  const field = () => /** @type {HTMLInputElement | null} */ (document.getElementById("people-q"));
  const results = () => document.getElementById("people-results");

  /** @param {boolean} on */
  function show(on) {
    results()?.toggleAttribute("hidden", !on);
    document.getElementById("members")?.toggleAttribute("hidden", on);
  }

  async function look() {
    clearTimeout(timer);
    asking?.abort();
    const q = field()?.value.trim() ?? "";
    if (q === "") {
      show(false);
      return setText(document.getElementById("people-found"), "");
    }
    asking = new AbortController();
    const { signal } = asking;
    const page = await findPeople(room, q, signal);
    if (signal.aborted) return;
    const lines = (page?.members ?? []).flatMap(({ user, role, is_alike: isAlike = false }) => clonePerson(user, role, isAlike) ?? []);
    results()?.replaceChildren(...lines);
    show(true);
    setText(document.getElementById("people-found"), wordsFor(page));
  }

  /** @param {PeoplePage | null} page */
  function wordsFor(page) {
    if (!page) return t("js-network-error");
    const found = page.members.length;
    if (page.next) return t("js-people-found-more", { count: number(found) });
    return found === 0 ? t("js-people-none") : plural("js-people-found", found);
  }

  document.addEventListener("input", (event) => {
    if (event.target !== field()) return;
    clearTimeout(timer);
    timer = setTimeout(() => void look(), TYPING);
  });
  document.addEventListener("submit", (event) => {
    if (!(event.target instanceof HTMLFormElement) || event.target.id !== "people-form") return;
    event.preventDefault();
    void look();
  });
}
