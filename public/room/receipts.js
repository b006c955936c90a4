/**
 * The ticks beside one's own messages: one for sent, two in blue once somebody has read it, and who that was.
 *
 * @import { Person } from "../types.js"
 * @import { MarkNews } from "./watermarks.js"
 */
import { request } from "../http.js";
import { number, t } from "../strings.js";
import { longTime, shortTime, dayOf, dayLabel } from "../time.js";
import { setText } from "./entry.js";
import { createWatermarks } from "./watermarks.js";

/** @typedef {{ id: number, name: string, avatar: Element | null }} Shown */
/** @typedef {{ reads: { user: number, at: string | null }[], people?: Person[], count?: number, next?: string | null }} Readers */

/** The server counts no further. */
const COUNTED = 1_000;

/**
 * @param {{
 *   list: HTMLElement, viewer: number, panel: HTMLElement | null, person(id: number): Shown | null,
 *   learn(people: Person[]): void
 * }} options
 */
export function createReceipts({ list, viewer, panel, person, learn }) {
  const marks = createWatermarks(viewer);
  let counter = Number(list.dataset.reads ?? 0);
  let top = counter;
  /** Whom the open panel lists, and when they read. @type {number[]} */
  let readers = [];
  /** @type {Map<number, string>} */
  let readAt = new Map();
  let shared = list.dataset.sharesReads === "true";
  /** Of a large room the page knows those marks that moved last: what it counts is the least. */
  let isPartial = list.dataset.marksPartial !== undefined;
  marks.apply(JSON.parse(list.dataset.marks ?? "[]"));

  /** @param {HTMLElement} ticks @param {number} position */
  function drawOne(ticks, position) {
    const { seen, total } = shared ? marks.count(position) : { seen: 0, total: 0 };
    const state = seen === 0 ? "sent" : seen === total && !isPartial ? "all" : "some";
    const key = `${state} ${seen} ${total} ${isPartial}`;
    if (ticks.dataset.key === key) return;
    ticks.dataset.key = key;
    ticks.dataset.seen = state;
    const least = `${number(seen)}${seen === total ? "+" : ""}`;
    const label = state === "some" && isPartial ? t("js-receipt-seen-least", { count: least }) : state === "sent" ? t("js-receipt-sent") : state === "all" ? t("js-receipt-all") : t("js-receipt-seen", { count: number(seen), total: number(total) });
    ticks.setAttribute("aria-label", label);
    ticks.title = label;
  }

  function draw() {
    for (const line of list.querySelectorAll(".entry.is-mine")) {
      const ticks = line.querySelector(".ticks");
      const position = Number(line.getAttribute("data-position"));
      if (ticks instanceof HTMLElement && position) drawOne(ticks, position);
    }
  }

  /** @param {Element | null} box @param {number[]} users @param {Map<number, string>} times */
  function fill(box, users, times) {
    const named = users.flatMap((id) => person(id) ?? []);
    named.sort((a, b) => (times.get(a.id) ?? "").localeCompare(times.get(b.id) ?? "") || a.name.localeCompare(b.name));
    box?.toggleAttribute("hidden", named.length === 0);
    box?.querySelector("ul")?.replaceChildren(...named.map((one) => row(one, times.get(one.id))));
  }

  /** @param {Shown} one @param {string | undefined} at */
  function row({ name, avatar }, at) {
    const line = document.createElement("li");
    line.className = "seen-person";
    if (avatar) line.append(avatar.cloneNode(true));
    const words = document.createElement("span");
    words.textContent = name;
    line.append(words);
    if (at) {
      const time = document.createElement("time");
      time.dateTime = at;
      const today = dayOf(at) === dayOf(new Date().toISOString());
      time.textContent = today ? shortTime(at) : `${dayLabel(at, Date.now())} ${shortTime(at)}`;
      time.title = longTime(at);
      line.append(time);
    }
    return line;
  }

  /** The next page of a message's readers; of a small room the times of all. @param {number} id @param {number[]} seen @param {string} after */
  async function loadReaders(id, seen, after) {
    const reply = await request(`/message/${id}/reads${after ? `?after=${encodeURIComponent(after)}` : ""}`);
    if (reply.kind !== "ok" || !panel || panel.dataset.message !== String(id)) return;
    const { reads, people = [], count = 0, next = null } = /** @type {Readers} */ (reply.body);
    learn(people);
    for (const { user, at } of reads) if (at) readAt.set(user, at);
    if (!isPartial) return fill(panel.querySelector(".seen-by"), seen, readAt);
    readers = [...new Set([...readers, ...reads.map(({ user }) => user)])];
    fill(panel.querySelector(".seen-by"), readers, readAt);
    setText(panel.querySelector("#seen-heading"), t("js-receipt-seen-least", { count: `${number(count)}${count >= COUNTED ? "+" : ""}` }));
    const more = panel.querySelector(".seen-more");
    more?.toggleAttribute("hidden", next === null);
    if (more instanceof HTMLElement) more.onclick = () => void loadReaders(id, seen, next ?? "");
  }

  /** @param {HTMLElement} ticks @param {number} id @param {number} position */
  async function open(ticks, id, position) {
    if (!panel) return;
    const { seen, missing } = marks.who(position);
    panel.dataset.message = String(id);
    panel.dataset.shared = String(shared);
    setText(panel.querySelector("#seen-heading"), shared && seen.length === 0 ? t("js-receipt-nobody") : ticks.getAttribute("aria-label") ?? "");
    fill(panel.querySelector(".seen-by"), shared ? seen : [], new Map());
    fill(panel.querySelector(".seen-not"), shared && !isPartial ? missing : [], new Map());
    panel.querySelector(".seen-more")?.setAttribute("hidden", "");
    [readers, readAt] = [[], new Map()];
    panel.showPopover();
    place(panel, ticks);
    if (!shared || seen.length === 0) return;
    await loadReaders(id, seen, "");
    place(panel, ticks);
  }

  list.addEventListener("click", (event) => {
    const ticks = event.target instanceof Element ? event.target.closest(".ticks") : null;
    const line = ticks?.closest("li");
    if (!(ticks instanceof HTMLElement) || !line) return;
    void open(ticks, Number(line.dataset.entry), Number(line.dataset.position));
  });

  draw();

  return {
    draw,
    /** Whether the server has told of receipts that this page does not have. */
    behind: () => shared && top > counter,
    query: () => ({ reads: String(counter) }),
    /** @param {{ reads: number, since: number, marks: MarkNews[] }} event */
    heard({ reads, since, marks: news }) {
      top = Math.max(top, reads);
      if (!shared || reads <= counter || since > counter) return;
      counter = reads;
      if (marks.apply(news)) draw();
    },
    /** What a fetch says of receipts; nothing for who does not share them. @param {{ reads?: number, marks?: MarkNews[], marks_partial?: boolean, reset?: boolean }} page */
    fetched({ reads, marks: news = [], marks_partial: some = false, reset }) {
      const was = shared;
      isPartial = some || (isPartial && !reset);
      shared = reads !== undefined;
      if (reads !== undefined) counter = top = reads;
      if (reset || !shared) marks.clear();
      if (marks.apply(news) || reset || was !== shared) draw();
    },
    /** @param {number} user */
    left(user) {
      if (marks.remove(user)) draw();
    },
  };
}

/** Beside what was pressed, wherever there is room. @param {HTMLElement} panel @param {HTMLElement} anchor */
function place(panel, anchor) {
  const at = anchor.getBoundingClientRect();
  const { width, height } = panel.getBoundingClientRect();
  const left = Math.max(8, Math.min(at.right - width, innerWidth - width - 8));
  const above = at.top - height - 6;
  panel.style.setProperty("left", `${left}px`);
  panel.style.setProperty("top", `${above > 8 ? above : Math.max(8, Math.min(at.bottom + 6, innerHeight - height - 8))}px`);
}
