/**
 * A voice that is still here, marked up as the fragment marks up one that was sent.
 *
 * @import { PendingVoice } from "../types.js"
 */

/** @param {string} url its sound, which is its name too @param {PendingVoice} voice */
export function createVoice(url, { duration_ms, waveform }) {
  const voice = document.createElement("div");
  voice.className = "voice";
  voice.dataset.file = url;
  voice.dataset.duration = String(Math.round(duration_ms));
  voice.dataset.waveform = waveform;
  const sound = document.createElement("audio");
  sound.src = url;
  sound.preload = "none";
  sound.hidden = true;
  voice.append(sound);
  return voice;
}
