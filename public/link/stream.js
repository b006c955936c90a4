/**
 * One push connection: it opens within a deadline, buffers until the page has caught up, and is dead
 * when two heartbeats in a row are missing, whatever the socket says.
 *
 * @import { Frame } from "../types.js"
 * @import { Clock } from "./backoff.js"
 */
import { createTimer } from "./backoff.js";

export const OPEN_DEADLINE = 6_000;
export const HEARTBEAT_EVERY = 15_000;
/** Two heartbeats and the time that the second may be late. */
export const SILENCE_LIMIT = 2 * HEARTBEAT_EVERY + 2_500;

/**
 * @typedef {{ open(): void, frame(frame: Frame): void, close(): void }} TransportEvents
 * @typedef {{ close(): void, send?(text: string): void }} Transport
 * @typedef {(events: TransportEvents) => Transport} OpenTransport
 */

/**
 * @param {{
 *   clock: Clock, connect: OpenTransport, heartbeat: boolean,
 *   onOpen(): void, onFrame(frame: Frame): void, onDead(livedFor: number): void
 * }} options
 */
export function createStream({ clock, connect, heartbeat, onOpen, onFrame, onDead }) {
  /** @type {"opening" | "open" | "closed"} */
  let status = "opening";
  /** @type {Frame[] | null} */
  let buffer = [];
  let openedAt = 0;
  let lastBeat = clock.now();

  /** @type {Transport | null} */
  let transport = null;
  const watch = createTimer(clock, () => die());

  function die() {
    if (status === "closed") return;
    const livedFor = status === "open" ? clock.now() - openedAt : 0;
    close();
    onDead(livedFor);
  }

  function close() {
    if (status === "closed") return;
    status = "closed";
    buffer = null;
    watch.cancel();
    transport?.close();
  }

  /** @type {TransportEvents} */
  const events = {
    open() {
      if (status !== "opening") return;
      status = "open";
      openedAt = lastBeat = clock.now();
      if (heartbeat) watch.set(SILENCE_LIMIT);
      else watch.cancel();
      onOpen();
    },
    frame(frame) {
      if (status === "closed") return;
      if (heartbeat && frame.type === "heartbeat") {
        lastBeat = clock.now();
        watch.set(SILENCE_LIMIT);
      }
      if (buffer) buffer.push(frame);
      else onFrame(frame);
    },
    close: () => die(),
  };

  watch.set(OPEN_DEADLINE);
  transport = connect(events);

  return {
    close,
    isOpen: () => status === "open",
    /** Says something to the server, where the transport can. @param {object} frame @returns {boolean} */
    say(frame) {
      if (status !== "open" || !transport?.send) return false;
      transport.send(JSON.stringify(frame));
      return true;
    },
    /** Lets what was buffered through: the page has fetched what came before it. */
    release() {
      const frames = buffer ?? [];
      buffer = null;
      for (const frame of frames) onFrame(frame);
    },
    /** A tab that slept had no timers: its deadline is judged again when it wakes. */
    judge() {
      if (heartbeat && status === "open" && clock.now() - lastBeat > SILENCE_LIMIT) die();
    },
  };
}

/** @typedef {ReturnType<typeof createStream>} Stream */
