/**
 * The right column: the people of the goal, and for those who decide, who asks to join.
 *
 * @import { Person, RoomMember } from "./types.js"
 */
import { request } from "./http.js";
import { nameOf, setText } from "./room/entry.js";

/** @param {HTMLElement} line @param {Person} person */
function drawPerson(line, person) {
  const avatar = line.querySelector(".avatar");
  if (avatar) avatar.className = `avatar hue-${person.id % 12}`;
  setText(avatar, person.initials);
  setText(line.querySelector(".person-name"), nameOf(person));
}

/** @param {string} id @returns {HTMLElement | null} */
function clone(id) {
  const template = document.getElementById(id);
  const pattern = template instanceof HTMLTemplateElement ? template.content.querySelector("li") : null;
  return pattern ? document.importNode(pattern, true) : null;
}

/** @param {{ onStale(): void }} options `onStale`: the column has to be taken from the server again */
export function createPeople({ onStale }) {
  const members = () => document.getElementById("members");
  const requests = () => document.getElementById("requests");

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
    if (reply.kind === "ok") form.closest("li")?.remove();
    else if (reply.kind === "refused") onStale();
  }

  return {
    /** @param {RoomMember} member */
    member({ user, role, state }) {
      const list = members();
      let line = list?.querySelector(`[data-member="${user.id}"]`);
      requests()?.querySelector(`[data-request="${user.id}"]`)?.remove();
      if (state === "left") return line?.remove();
      if (!line) {
        line = clone("member-template");
        if (!line) return;
        line.setAttribute("data-member", String(user.id));
        list?.append(line);
      }
      line.setAttribute("data-role", role);
      drawPerson(/** @type {HTMLElement} */ (line), user);
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
    },
    /** @param {number} person */
    answered(person) {
      requests()?.querySelector(`[data-request="${person}"]`)?.remove();
    },
  };
}
