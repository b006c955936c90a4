/**
 * The side columns as the server has them now: where an event says more than the page knows how to draw, the page is
 * asked for again and its columns are taken over.
 *
 * @import { Rooms } from "../rooms.js"
 */
import { parsePage } from "../trusted.js";

/** Everybody in the room hears of a change at the same moment. */
const SPREAD = 800;
const DEADLINE = 20_000;

/** @param {{ path: string, rooms: Rooms, onPeople(revision: number): void }} options `onPeople`: the people are those of this revision */
export function createPanels({ path, rooms, onPeople }) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  async function load() {
    timer = undefined;
    try {
      const response = await fetch(path, { headers: { accept: "text/html" }, signal: AbortSignal.timeout(DEADLINE) });
      if (response.ok && !response.redirected) adopt(parsePage(await response.text()));
    } catch {
      // The columns stay as they are: the next event or visit renews them.
    }
  }

  /** @param {Document} page */
  function adopt(page) {
    const roomList = page.getElementById("rooms");
    if (roomList) rooms.replace(document.adoptNode(roomList));
    const fresh = page.querySelector("#people-panel .panel-body");
    const present = document.querySelector("#people-panel .panel-body");
    if (fresh && present) present.replaceWith(document.adoptNode(fresh));
    onPeople(Number(page.getElementById("messages")?.dataset.revision ?? 0));
  }

  return {
    reload() {
      if (timer === undefined) timer = setTimeout(() => void load(), 100 + Math.random() * SPREAD);
    },
  };
}
