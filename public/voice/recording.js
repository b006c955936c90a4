/**
 * One recording, from the question for the microphone to a sound that can be listened to, sent or thrown away. Touches
 * no page: what the browser gives comes in through `deps`.
 *
 * @typedef {"idle" | "asking" | "recording" | "paused" | "ending" | "ready"} RecordingState
 * @typedef {"denied" | "no-microphone" | "failed" | "empty"} Trouble
 * @typedef {{ blob: Blob, type: string, duration: number }} Recorded `duration` in milliseconds, as the clock saw it
 *
 * @typedef {{ getTracks(): { stop(): void, addEventListener(type: "ended", heard: () => void): void }[] }} Stream
 * @typedef {{
 *   mimeType: string, state: string, start(): void, pause(): void, resume(): void, stop(): void,
 *   addEventListener(type: string, heard: (event: any) => void): void
 * }} Recorder what is used of a MediaRecorder
 *
 * @typedef {{
 *   ask(): Promise<Stream>, record(stream: Stream): Recorder, now(): number,
 *   after(ms: number, run: () => void): () => void,
 *   longest: number, onChange(state: RecordingState): void, onTrouble(trouble: Trouble): void
 * }} RecordingDeps `after` gives back what cancels it; `longest` in milliseconds
 */

/** What a slip of the finger records, in milliseconds. */
const SHORTEST = 300;

/** What browsers record, the smallest first: all of them play each. */
export const TYPES = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4;codecs=opus", "audio/mp4"];

/** @param {(type: string) => boolean} isSupported @returns {string | null} */
export function pickType(isSupported) {
  return TYPES.find(isSupported) ?? null;
}

/** @param {unknown} error @returns {Trouble} */
export function troubleOf(error) {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "no-microphone";
  return "failed";
}

/** @param {RecordingDeps} deps */
export function createRecording(deps) {
  /** @type {RecordingState} */
  let state = "idle";
  /** @type {Stream | null} */
  let stream = null;
  /** @type {Recorder | null} */
  let recorder = null;
  /** @type {Recorded | null} */
  let recorded = null;
  /** Milliseconds before the last pause, and the moment of the last start. */
  let before = 0;
  let since = 0;
  let cancelLimit = () => {};
  /** Each question for the microphone has a number: the answer to a forgotten one is not heard. */
  let turn = 0;

  /** @param {RecordingState} next */
  function become(next) {
    state = next;
    deps.onChange(next);
  }

  function elapsed() {
    return state === "recording" ? before + (deps.now() - since) : before;
  }

  function release() {
    cancelLimit();
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    recorder = null;
  }

  function run() {
    since = deps.now();
    cancelLimit = deps.after(deps.longest - before, stop);
    become("recording");
  }

  async function start() {
    if (state !== "idle") return;
    turn += 1;
    const mine = turn;
    become("asking");
    try {
      const given = await deps.ask();
      if (mine !== turn) return given.getTracks().forEach((track) => track.stop());
      stream = given;
      listen(deps.record(given), given);
    } catch (error) {
      if (mine !== turn) return;
      release();
      become("idle");
      deps.onTrouble(troubleOf(error));
    }
  }

  /** @param {Recorder} mine @param {Stream} from */
  function listen(mine, from) {
    /** @type {Blob[]} */
    const parts = [];
    recorder = mine;
    before = 0;
    mine.addEventListener("dataavailable", ({ data }) => data.size > 0 && parts.push(data));
    mine.addEventListener("stop", () => recorder === mine && finish(parts, mine.mimeType));
    mine.addEventListener("error", () => recorder === mine && stop());
    // The microphone was taken away: what there is can still be sent.
    for (const track of from.getTracks()) track.addEventListener("ended", () => recorder === mine && stop());
    mine.start();
    run();
  }

  function pause() {
    if (state !== "recording" || !recorder) return;
    cancelLimit();
    before = elapsed();
    recorder.pause();
    become("paused");
  }

  function resume() {
    if (state !== "paused" || !recorder) return;
    recorder.resume();
    run();
  }

  function stop() {
    if ((state !== "recording" && state !== "paused") || !recorder) return;
    cancelLimit();
    before = elapsed();
    become("ending");
    if (recorder.state !== "inactive") recorder.stop();
  }

  /** @param {Blob[]} parts @param {string} type */
  function finish(parts, type) {
    if (state === "recording") before = elapsed();
    release();
    const blob = new Blob(parts, { type });
    if (blob.size === 0 || before < SHORTEST) {
      become("idle");
      deps.onTrouble("empty");
      return;
    }
    recorded = { blob, type, duration: before };
    become("ready");
  }

  return {
    state: () => state,
    elapsed,
    stream: () => stream,
    start, pause, resume, stop,
    /** The sound, for whoever listens to it or sends it. */
    recorded: () => recorded,
    /** Throws away what there is, whatever is being done. */
    discard() {
      turn += 1;
      const ending = recorder;
      release();
      if (ending && ending.state !== "inactive") ending.stop();
      recorded = null;
      before = 0;
      if (state !== "idle") become("idle");
    },
  };
}

/** @typedef {ReturnType<typeof createRecording>} Recording */
