/**
 * Voices in the list: the fragment brings a plain audio element, which becomes a player here. Whatever draws a message
 * anew, its player is dressed again before it is seen, at the place where it was.
 */
import { t } from "../strings.js";
import { setText } from "../room/entry.js";
import { createPlayback, SPEEDS, STEP } from "./playback.js";
import { clockText, drawPeaks, readPeaks } from "./waveform.js";

const SPEED_KEY = "palabre:voice-speed";
const KEYS = { ArrowRight: STEP, ArrowUp: STEP, ArrowLeft: -STEP, ArrowDown: -STEP, PageUp: 3 * STEP, PageDown: -3 * STEP };

/** @returns {number} */
function storedSpeed() {
  try {
    const speed = Number(localStorage.getItem(SPEED_KEY));
    return SPEEDS.includes(speed) ? speed : 1;
  } catch {
    return 1;
  }
}

/** @param {number} speed */
function storeSpeed(speed) {
  try {
    localStorage.setItem(SPEED_KEY, String(speed));
  } catch {
    // It is kept as long as the page.
  }
}

/** @param {string} id @returns {HTMLElement | null} */
export function cloneTemplate(id) {
  const template = document.getElementById(id);
  const pattern = template instanceof HTMLTemplateElement ? template.content.firstElementChild : null;
  return pattern ? /** @type {HTMLElement} */ (document.importNode(pattern, true)) : null;
}

/** @param {HTMLElement} root where voices come and go */
export function createPlayers(root) {
  const playback = createPlayback({
    sound: new Audio(),
    speed: storedSpeed(),
    onChange: (key) => each(key, draw),
    onSpeed(speed) {
      storeSpeed(speed);
      for (const voice of root.querySelectorAll(".voice.is-dressed")) draw(/** @type {HTMLElement} */ (voice));
    },
  });

  /** @param {string} key @param {(voice: HTMLElement) => void} work */
  function each(key, work) {
    for (const voice of root.querySelectorAll(`.voice[data-voice="${CSS.escape(key)}"]`)) work(/** @type {HTMLElement} */ (voice));
  }

  /** @param {HTMLElement} voice */
  function facts(voice) {
    const native = voice.querySelector("audio");
    return { key: voice.dataset.voice ?? "", src: native?.getAttribute("src") ?? "", duration: Number(voice.dataset.duration) / 1000 };
  }

  /** @param {HTMLElement} voice */
  function dress(voice) {
    if (voice.classList.contains("is-dressed")) return;
    const player = cloneTemplate("voice-template");
    if (!player) return;
    voice.classList.add("is-dressed");
    voice.querySelector("audio")?.setAttribute("hidden", "");
    voice.append(player);
    const peaks = readPeaks(voice.dataset.waveform ?? "");
    player.querySelector(".voice-peaks")?.setAttribute("d", drawPeaks(peaks));
    player.querySelector(".voice-wave")?.setAttribute("aria-valuemax", String(Math.round(facts(voice).duration)));
    draw(voice);
  }

  /** @param {HTMLElement} voice */
  function draw(voice) {
    const { key, duration } = facts(voice);
    const { playing, at, failed, waiting } = playback.of(key);
    const place = Math.min(at, duration);
    voice.classList.toggle("is-playing", playing);
    voice.classList.toggle("is-waiting", playing && waiting);
    voice.classList.toggle("is-failed", failed);
    voice.querySelector(".voice-play")?.setAttribute("aria-label", t(playing ? "js-voice-pause" : "js-voice-play"));
    const peaks = readPeaks(voice.dataset.waveform ?? "");
    const heard = duration > 0 ? Math.round((place / duration) * peaks.length) : 0;
    voice.querySelector(".voice-heard")?.setAttribute("d", drawPeaks(peaks, heard));
    const wave = voice.querySelector(".voice-wave");
    wave?.setAttribute("aria-valuenow", String(Math.round(place)));
    wave?.setAttribute("aria-valuetext", t("js-voice-place", { at: clockText(place), of: clockText(duration) }));
    const began = playing || place > 0;
    setText(voice.querySelector(".voice-time"), failed ? t("js-voice-broken") : began ? `${clockText(place)} / ${clockText(duration)}` : clockText(duration));
    const speed = new Intl.NumberFormat(document.documentElement.lang || "fr").format(playback.speed());
    setText(voice.querySelector(".voice-speed-value"), `${speed}×`);
  }

  /** @param {Event} event */
  function voiceOf(event) {
    const target = event.target instanceof Element ? event.target : null;
    const voice = target?.closest(".voice.is-dressed");
    return voice instanceof HTMLElement && target ? { voice, target } : null;
  }

  root.addEventListener("click", (event) => {
    const hit = voiceOf(event);
    if (!hit) return;
    const { key, src, duration } = facts(hit.voice);
    if (hit.target.closest(".voice-play")) void playback.toggle(key, src, duration);
    else if (hit.target.closest(".voice-speed")) playback.faster();
  });

  // A drag along the waveform moves as it goes.
  root.addEventListener("pointerdown", (event) => {
    const hit = voiceOf(event);
    const wave = hit?.target.closest(".voice-wave");
    if (!hit || !(wave instanceof HTMLElement) || event.button !== 0) return;
    const { key, duration } = facts(hit.voice);
    const box = wave.getBoundingClientRect();
    const move = (/** @type {PointerEvent} */ { clientX }) => {
      playback.seek(key, Math.min(1, Math.max(0, (clientX - box.left) / box.width)) * duration);
    };
    move(event);
    const end = new AbortController();
    // Not captured by the wave: the list may be drawn anew under the finger.
    addEventListener("pointermove", move, { signal: end.signal });
    for (const type of ["pointerup", "pointercancel"]) addEventListener(type, () => end.abort(), { signal: end.signal });
  });

  root.addEventListener("keydown", (event) => {
    const hit = voiceOf(event);
    if (!hit?.target.closest(".voice-wave") || event.altKey || event.ctrlKey || event.metaKey) return;
    const { key, src, duration } = facts(hit.voice);
    const step = KEYS[/** @type {keyof typeof KEYS} */ (event.key)];
    if (step !== undefined) playback.seek(key, Math.min(duration, playback.of(key).at + step));
    else if (event.key === "Home") playback.seek(key, 0);
    else if (event.key === "End") playback.seek(key, duration);
    else if (event.key === " " || event.key === "Enter") void playback.toggle(key, src, duration);
    else return;
    event.preventDefault();
  });

  // A film or a song elsewhere on the page: one is heard at a time.
  document.addEventListener("play", (event) => {
    if (event.target instanceof HTMLMediaElement) playback.pause();
  }, true);

  const watch = new MutationObserver((records) => {
    for (const { addedNodes } of records) {
      for (const node of addedNodes) if (node instanceof HTMLElement) dressAll(node);
    }
  });

  /** @param {HTMLElement} within */
  function dressAll(within) {
    if (within.matches(".voice")) dress(within);
    for (const voice of within.querySelectorAll(".voice")) dress(/** @type {HTMLElement} */ (voice));
  }

  dressAll(root);
  watch.observe(root, { childList: true, subtree: true });
  return { pause: playback.pause, forget: playback.forget };
}

/** @typedef {ReturnType<typeof createPlayers>} Players */
