/** A waveform as numbers and as a drawing: 64 peaks that the server took from the sound. Touches no page. */

/** The drawing's own units: a bar each two, so that the ends are round. */
export const WIDTH = 128;
export const HEIGHT = 32;
/** What silence is drawn as. */
const LEAST = 2;

/** @param {string} hex two digits a peak @returns {number[]} 0 to 1 */
export function readPeaks(hex) {
  const pairs = hex.match(/[0-9a-f]{2}/gi) ?? [];
  return pairs.map((pair) => Number.parseInt(pair, 16) / 255);
}

/**
 * The first bars as the path of an SVG.
 * @param {number[]} peaks
 * @param {number} [count]
 */
export function drawPeaks(peaks, count = peaks.length) {
  const step = WIDTH / Math.max(peaks.length, 1);
  return peaks.slice(0, count).map((peak, at) => {
    const height = Math.max(LEAST, peak * (HEIGHT - LEAST));
    return `M${round((at + 0.5) * step)} ${round((HEIGHT - height) / 2)}v${round(height)}`;
  }).join("");
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 100) / 100;
}

/** As a clock shows it: minutes and seconds. @param {number} seconds */
export function clockText(seconds) {
  const whole = Math.max(0, Math.floor(seconds + 1e-6));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/**
 * Levels of a recording, folded to as many as are drawn: each the loudest of its part.
 * @param {number[]} levels
 * @param {number} count
 */
export function foldLevels(levels, count) {
  if (levels.length <= count) return [...levels, ...Array(count - levels.length).fill(0)];
  return Array.from({ length: count }, (_, at) => {
    const from = Math.floor((at * levels.length) / count);
    const to = Math.max(from + 1, Math.floor(((at + 1) * levels.length) / count));
    return Math.max(...levels.slice(from, to));
  });
}
