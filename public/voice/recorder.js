/**
 * The recorder in the composer: a microphone where there is nothing to send, a row with a level meter while one speaks,
 * then a player, so that one listens before it goes. Not there where the browser cannot record.
 *
 * @import { Players } from "./player.js"
 * @import { Recorded, RecordingState, Trouble } from "./recording.js"
 */
import { t } from "../strings.js";
import { setText } from "../room/entry.js";
import { cloneTemplate, createPlayers } from "./player.js";
import { createRecording, pickType } from "./recording.js";
import { clockText, drawPeaks, foldLevels } from "./waveform.js";

/** Bars of the meter, and how often one is added, in milliseconds. */
const BARS = 64;
const BEAT = 100;
/** Speech is rarely louder than half of what the converter can tell: the meter shows it at its height. */
const LOUD = 0.5;
const BITS = 32_000;

/**
 * @typedef {Recorded & { waveform: string }} Voice `waveform` as the meter saw it, until the server has its own
 *
 * @param {{
 *   form: HTMLFormElement, longest: number, complain(text: string): void, send(voice: Voice): Promise<void>
 * }} options `longest` in seconds
 */
export function createRecorder({ form, longest, complain, send }) {
  const button = /** @type {HTMLButtonElement | null} */ (form.querySelector(".composer-voice"));
  const type = "MediaRecorder" in globalThis ? pickType((name) => MediaRecorder.isTypeSupported(name)) : null;
  if (!button || !type || !isSecureContext || !navigator.mediaDevices) return;
  form.dataset.voice = "";

  /** @type {HTMLElement | null} */
  let row = null;
  /** @type {Players | null} */
  let players = null;
  let url = "";
  /** @type {number[]} */
  let levels = [];
  let stopMeter = () => {};
  let sending = false;

  const recording = createRecording({
    ask: () => navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } }),
    record: (stream) => new MediaRecorder(/** @type {MediaStream} */ (stream), { mimeType: type, audioBitsPerSecond: BITS }),
    now: () => performance.now(),
    after(ms, run) {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    longest: longest * 1000,
    onChange: show,
    onTrouble: (/** @type {Trouble} */ trouble) => complain(t(`js-voice-${trouble}`)),
  });

  /** @param {string} selector */
  const part = (selector) => /** @type {HTMLElement | null} */ (row?.querySelector(selector) ?? null);

  function open() {
    if (row) return;
    row = cloneTemplate("recorder-template");
    if (!row) return;
    form.querySelector(".composer-row")?.after(row);
    part(".recorder-discard")?.addEventListener("click", discard);
    part(".recorder-pause")?.addEventListener("click", recording.pause);
    part(".recorder-resume")?.addEventListener("click", recording.resume);
    part(".recorder-stop")?.addEventListener("click", recording.stop);
    part(".recorder-send")?.addEventListener("click", () => void submit());
  }

  function close() {
    players?.pause();
    players = null;
    if (url) URL.revokeObjectURL(url);
    url = "";
    row?.remove();
    row = null;
  }

  /** @param {RecordingState} state */
  function show(state) {
    form.toggleAttribute("data-recording", state !== "idle");
    if (state === "idle") {
      stopMeter();
      close();
      return button?.focus();
    }
    open();
    if (!row) return;
    row.dataset.state = state;
    if (state === "asking") levels = [];
    if (state === "recording") startMeter();
    else stopMeter();
    if (state === "ready") offer();
    setText(part(".recorder-status"), t(`js-voice-${state === "ending" ? "ready" : state}`));
    const first = state === "ready" ? ".recorder-send" : state === "paused" ? ".recorder-resume" : state === "recording" ? ".recorder-stop" : ".recorder-discard";
    part(first)?.focus();
  }

  /** How loud it is, a bar each tenth of a second. */
  function startMeter() {
    const stream = recording.stream();
    if (!stream) return;
    const audio = new AudioContext();
    const analyser = audio.createAnalyser();
    analyser.fftSize = 2048;
    audio.createMediaStreamSource(/** @type {MediaStream} */ (stream)).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      levels.push(Math.min(1, samples.reduce((loudest, sample) => Math.max(loudest, Math.abs(sample)), 0) / LOUD));
      const recent = levels.slice(-BARS);
      part(".recorder-levels")?.setAttribute("d", drawPeaks([...Array(BARS - recent.length).fill(0), ...recent]));
      setText(part(".recorder-time"), clockText(recording.elapsed() / 1000));
    }, BEAT);
    stopMeter = () => {
      clearInterval(timer);
      void audio.close();
      stopMeter = () => {};
    };
  }

  function waveform() {
    return foldLevels(levels, BARS).map((level) => Math.round(level * 255).toString(16).padStart(2, "0")).join("");
  }

  /** The recording as a voice that can be listened to. */
  function offer() {
    const recorded = recording.recorded();
    const place = part(".recorder-ready");
    if (!recorded || !place) return;
    url = URL.createObjectURL(recorded.blob);
    const voice = document.createElement("div");
    voice.className = "voice";
    voice.dataset.voice = url;
    voice.dataset.duration = String(Math.round(recorded.duration));
    voice.dataset.waveform = waveform();
    const sound = document.createElement("audio");
    sound.src = url;
    sound.preload = "none";
    voice.append(sound);
    place.replaceChildren(voice);
    players = createPlayers(place);
  }

  function discard() {
    recording.discard();
    complain("");
  }

  async function submit() {
    const recorded = recording.recorded();
    if (!recorded || sending) return;
    sending = true;
    try {
      await send({ ...recorded, waveform: waveform() });
      recording.discard();
    } catch {
      complain(t("js-voice-lost"));
    } finally {
      sending = false;
    }
  }

  button.addEventListener("click", () => {
    complain("");
    void recording.start();
  });
  addEventListener("pagehide", recording.discard);
}
