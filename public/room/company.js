/**
 * Who else is in the room: what they have read, what they are writing, whether they are here.
 *
 * @import { Frame, Page, Person, Token } from "../types.js"
 * @import { Effects, RoomState } from "./list_state.js"
 * @import { Shown } from "./receipts.js"
 */
import { request } from "../http.js";
import { browserClock } from "../link/backoff.js";
import { t } from "../strings.js";
import { nameOf, setText } from "./text.js";
import { createPresence } from "./presence.js";
import { createReceipts } from "./receipts.js";
import { createTypist, createTypists } from "./typing.js";

/**
 * @param {{
 *   root: HTMLElement, list: HTMLElement, form: HTMLFormElement, state: RoomState,
 *   say(frame: object): boolean
 * }} options `say` puts a frame on the socket, if there is one
 */
export function createCompany({ root, list, form, state, say }) {
  const { room, viewer } = state;
  const shares = { reads: list.dataset.sharesReads === "true", presence: list.dataset.sharesPresence === "true" };
  let typing = 0;
  /** People of a large room whom the page does not list, as events and answers named them. @type {Map<number, Person>} */
  const others = new Map();
  /** What was said last has arrived: "has stopped" must not be overtaken. */
  let said = Promise.resolve();

  /** @param {number} id @returns {Shown | null} */
  function person(id) {
    const line = document.querySelector(`#members [data-member="${id}"]`);
    const name = line?.querySelector(".person-name")?.textContent?.trim();
    if (name) return { id, name, avatar: line?.querySelector(".avatar") ?? null };
    const other = others.get(id) ?? authorOf(id);
    return other ? { id, name: nameOf(other), avatar: face(other) } : null;
  }

  /** Who has written here is known by that. @param {number} id */
  function authorOf(id) {
    for (const { author } of state.messages.values()) if (author.id === id) return author;
    return undefined;
  }

  /** @param {Person[]} people */
  function learn(people) {
    for (const one of people) others.set(one.id, one);
  }

  const receipts = createReceipts({ list, viewer, panel: document.getElementById("seen"), person, learn });
  const typists = createTypists({ clock: browserClock, viewer, onChange: drawTypists });
  const presence = createPresence({
    room, viewer,
    onTypists(users, names) {
      learn(names);
      typists.set(users);
    },
  });
  const typist = createTypist({
    clock: browserClock,
    say(on) {
      if (say({ typing: room, on })) return;
      said = said.then(async () => void (await request(`/presence/typing/${room}`, { form: { on: String(on) } })));
    },
  });

  const field = form.querySelector("textarea");
  field?.addEventListener("input", () => typist.input(form.dataset.mode !== "edit" && field.value.trim() !== ""));
  field?.addEventListener("blur", typist.stop);
  addEventListener("pagehide", typist.stop);

  /** @param {number[]} users */
  function drawTypists(users) {
    const names = users.flatMap((id) => person(id)?.name.split(" ")[0] ?? []);
    const [name = "", other = ""] = names;
    const key = names.length > 2 ? "several" : names.length === 2 ? "two" : "one";
    const line = document.getElementById("typing");
    line?.classList.toggle("is-on", names.length > 0);
    setText(line?.querySelector("span") ?? null, names.length === 0 ? "" : t(`js-typing-${key}`, { name, other }));
  }

  return {
    /** The composer's text is on its way. */
    sent: typist.stop,
    behind: receipts.behind,
    query: () => ({ ...receipts.query(), typing: String(typing) }),
    /** Besides the rooms' own topics, those of this room that not everybody may read. @param {Token} token @returns {Token} */
    withTopics(token) {
      const topic = root.dataset.topic ?? "";
      const more = [...(shares.reads ? [`${topic}/reads`] : []), ...(shares.presence ? [`${topic}/presence`] : [])];
      return token.websocket ? { ...token, topics: [...token.topics, ...more] } : token;
    },
    /** @param {Frame} frame @returns {boolean} whether it was for here */
    hear({ type, data }) {
      if (type !== "reads" && type !== "typing" && type !== "presence") return false;
      const event = JSON.parse(data);
      if (event.chatroom !== room) return true;
      if (type === "reads") receipts.heard(event);
      else if (type === "typing") {
        if (event.typing.name) learn([event.typing.name]);
        typists.heard(event.typing.user, event.typing.on);
      }
      else presence.apply(event.people);
      return true;
    },
    /** @param {Page & { typing?: number, typists?: number[], typist_names?: Person[] }} page */
    fetched(page) {
      receipts.fetched(page);
      if (page.typing !== undefined) typing = page.typing;
      learn(page.typist_names ?? []);
      if (page.typists) typists.set(page.typists);
    },
    /** @param {Effects} effects */
    drawn(effects) {
      if (effects.reset || effects.changed.size > 0) receipts.draw();
      for (const id of effects.fresh) typists.forget(state.messages.get(id)?.author.id ?? 0);
      if (!effects.members) return;
      for (const { user, state: standing } of state.members.values()) {
        if (standing !== "left") continue;
        receipts.left(user.id);
        presence.left(user.id);
      }
      presence.draw();
    },
    peopleDrawn: presence.draw,
    objectToAway: presence.object,
    refresh: () => void presence.refresh(),
  };
}

/** @param {Person} person */
function face({ id, initials }) {
  const avatar = document.createElement("span");
  avatar.className = `avatar hue-${id % 12}`;
  avatar.setAttribute("aria-hidden", "true");
  avatar.textContent = initials;
  return avatar;
}

/** @typedef {ReturnType<typeof createCompany>} Company */
