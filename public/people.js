/**
 * The right column: the people of the goal, and for those who decide, who asks to join.
 *
 * @import { Person, RoomMember } from "./types.js"
 */
import { request } from "./http.js";
import { createHeadCount } from "./room/head_count.js";
import { number } from "./strings.js";
import { nameOf, setName, setText } from "./room/text.js";

/** @param {HTMLElement} line @param {Person} person */
function drawPerson(line, person) {
  const avatar = line.querySelector(".avatar");
  if (avatar) avatar.className = `avatar hue-${person.id % 12}`;
  setText(avatar, person.initials);
  setName(line.querySelector(".person-name"), person);
  setText(line.querySelector(".person-number"), `#${person.id}`);
}

/** What a line's name looks like: the server's two words; for who came a moment ago the name itself. @param {HTMLElement} line @returns {string[]} */
function looksOf(line) {
  const name = line.querySelector(".person-name")?.textContent?.trim().toLowerCase() ?? "";
  const looks = line.dataset.looks ? line.dataset.looks.split(" ") : [];
  return [...looks.map((word, index) => `${index} ${word}`), `name ${name}`];
}

/** Shows the numbers of those whose names cannot be told apart. @param {HTMLElement[]} lines */
function markAlike(lines) {
  /** @type {Map<string, number>} */
  const bearers = new Map();
  for (const look of lines.flatMap(looksOf)) bearers.set(look, (bearers.get(look) ?? 0) + 1);
  for (const line of lines) {
    const isAlike = looksOf(line).some((look) => (bearers.get(look) ?? 0) > 1);
    for (const part of line.querySelectorAll(".person-number, .person-alike")) part.toggleAttribute("hidden", !isAlike);
  }
}

/** @param {string} id @returns {HTMLElement | null} */
function clone(id) {
  const template = document.getElementById(id);
  const pattern = template instanceof HTMLTemplateElement ? template.content.querySelector("li") : null;
  return pattern ? document.importNode(pattern, true) : null;
}

/** A line for somebody whom the list does not hold. @param {Person} person @param {string} role @param {boolean} isAlike */
export function clonePerson(person, role, isAlike) {
  const line = clone("member-template");
  if (!line) return null;
  line.dataset.role = role;
  delete line.dataset.member;
  drawPerson(line, person);
  for (const part of line.querySelectorAll(".person-number, .person-alike")) part.toggleAttribute("hidden", !isAlike);
  return line;
}

/** @param {number} count */
function drawCount(count) {
  const list = document.getElementById("members");
  if (list) list.dataset.count = String(count);
  setText(document.getElementById("member-count"), number(count));
}

/** @param {{ onStale(): void, revision: number }} options `onStale`: the column has to be taken from the server again */
export function createPeople({ onStale, revision }) {
  const members = () => document.getElementById("members");
  const requests = () => document.getElementById("requests");
  const listedCount = () => Number(members()?.dataset.count ?? 0);
  const head = createHeadCount({ revision, count: listedCount(), draw: drawCount });
  const mark = () => markAlike([members(), requests()].flatMap((list) => [.../** @type {NodeListOf<HTMLElement>} */ (list?.querySelectorAll(".person") ?? [])]));

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !requests()?.contains(form)) return;
    event.preventDefault();
    void decide(form, event.submitter);
  });

  /** @param {HTMLFormElement} form @param {HTMLElement | null} submitter */
  async function decide(form, submitter) {
    const address = submitter?.getAttribute("formaction") || form.action;
    const buttons = form.querySelectorAll("button");
    for (const button of buttons) button.disabled = true;
    const reply = await request(address, { form: {} });
    for (const button of buttons) button.disabled = false;
    if (reply.kind === "ok") {
      form.closest("li")?.remove();
      mark();
    } else if (reply.kind === "refused") onStale();
  }

  return {
    /** Who came or went by changes of the log. @param {Iterable<RoomMember>} changes */
    count: head.follow,
    /** How many there are, as the server says it with what begins anew. @param {number} count @param {number} at */
    counted: head.set,
    /** The column was taken anew from the server. @param {number} at the revision that it is of */
    drawnAt: (at) => head.set(listedCount(), at),
    /** @param {RoomMember} member */
    member({ user, role, state }) {
      const list = members();
      let line = /** @type {HTMLElement | null | undefined} */ (list?.querySelector(`[data-member="${user.id}"]`));
      const asked = /** @type {HTMLElement | null | undefined} */ (requests()?.querySelector(`[data-request="${user.id}"]`));
      asked?.remove();
      if (state === "left") {
        line?.remove();
        return mark();
      }
      if (!line) {
        line = clone("member-template");
        if (!line) return;
        line.dataset.member = String(user.id);
        line.dataset.looks = asked?.dataset.looks ?? "";
        list?.append(line);
      }
      line.setAttribute("data-role", role);
      drawPerson(line, user);
      mark();
    },
    /** @param {Person} person @param {number} goal */
    asked(person, goal) {
      const list = requests();
      if (!list || list.querySelector(`[data-request="${person.id}"]`)) return;
      const line = clone("request-template");
      if (!line) return onStale();
      line.dataset.request = String(person.id);
      drawPerson(line, person);
      const path = `/goal/${goal}/participation/${person.id}`;
      line.querySelector("form")?.setAttribute("action", `${path}/approve`);
      for (const button of line.querySelectorAll("button")) {
        if (button.hasAttribute("formaction")) button.setAttribute("formaction", `${path}/refuse`);
        // The pattern's label was made with an empty name at its end.
        const label = button.getAttribute("aria-label");
        if (label) button.setAttribute("aria-label", `${label.trim()} ${nameOf(person)}`);
      }
      list.append(line);
      mark();
    },
    /** @param {number} person */
    answered(person) {
      requests()?.querySelector(`[data-request="${person}"]`)?.remove();
      mark();
    },
  };
}
