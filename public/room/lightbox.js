/** Pictures of the list in full, one after the other: keys, buttons, a swipe; Escape or a click beside leads back. */
import { t } from "../strings.js";

/** How far a finger must go to mean the next picture, in pixels. */
const SWIPE = 48;

/**
 * The neighbour of a picture, round the end and back to the beginning.
 * @param {number} at @param {number} step @param {number} count
 */
export function neighbour(at, step, count) {
  return count === 0 ? -1 : (at + step + count) % count;
}

/** @param {HTMLElement} list */
export function createLightbox(list) {
  const dialog = document.getElementById("lightbox");
  if (!(dialog instanceof HTMLDialogElement)) return;
  const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (dialog.querySelector(`.lightbox-${name}`));
  const image = /** @type {HTMLImageElement} */ (part("picture"));
  const download = /** @type {HTMLAnchorElement} */ (part("download"));
  const steps = /** @type {NodeListOf<HTMLButtonElement>} */ (dialog.querySelectorAll(".lightbox-step"));
  /** @type {HTMLAnchorElement[]} */
  let pictures = [];
  let at = 0;

  function show() {
    const { href, dataset } = pictures[at];
    image.classList.add("is-loading");
    image.width = Number(dataset.width);
    image.height = Number(dataset.height);
    image.src = href;
    image.alt = dataset.name ?? "";
    part("name").textContent = dataset.name ?? "";
    part("count").textContent = pictures.length > 1 ? t("js-lightbox-count", { at: at + 1, count: pictures.length }) : "";
    download.href = href;
    download.download = dataset.name ?? "";
    for (const step of steps) step.hidden = pictures.length < 2;
    // The neighbours are fetched while this one is looked at.
    for (const step of [1, -1]) if (pictures.length > 1) new Image().src = pictures[neighbour(at, step, pictures.length)].href;
  }

  /** @param {number} step */
  function go(step) {
    if (pictures.length < 2) return;
    at = neighbour(at, step, pictures.length);
    show();
  }

  image.addEventListener("load", () => image.classList.remove("is-loading"));
  list.addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const picture = event.target.closest("a.picture");
    if (!(picture instanceof HTMLAnchorElement)) return;
    event.preventDefault();
    pictures = [.../** @type {NodeListOf<HTMLAnchorElement>} */ (list.querySelectorAll(".entry:not([hidden]) a.picture[href]"))];
    at = Math.max(pictures.indexOf(picture), 0);
    show();
    dialog.showModal();
  });

  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    go(step);
  });
  dialog.addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    if (target.closest(".is-back")) go(-1);
    else if (target.closest(".is-forth")) go(1);
    else if (target.closest(".lightbox-close") || !target.closest(".lightbox-bar, .lightbox-picture")) dialog.close();
  });

  let from = { x: 0, y: 0 };
  dialog.addEventListener("touchstart", ({ touches }) => (from = { x: touches[0].clientX, y: touches[0].clientY }), { passive: true });
  dialog.addEventListener("touchend", ({ changedTouches: [touch] }) => {
    const [x, y] = [touch.clientX - from.x, touch.clientY - from.y];
    // Zoomed in, a finger moves the picture.
    if (Math.abs(x) > SWIPE && Math.abs(x) > 2 * Math.abs(y) && (visualViewport?.scale ?? 1) === 1) go(x < 0 ? 1 : -1);
  });
  dialog.addEventListener("close", () => image.removeAttribute("src"));
}
