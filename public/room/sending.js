/**
 * Files of a message that is on its way: seen in its bubble, with how far they have come and a way to stop.
 *
 * @import { PendingItem } from "../types.js"
 */
import { t } from "../strings.js";
import { preview } from "./tray.js";

/** Addresses of pictures in bubbles, let go when their bubble is. @type {WeakMap<HTMLElement, string[]>} */
const addresses = new WeakMap();

/** @param {HTMLElement} line @param {PendingItem} item */
export function drawPendingFiles(line, { files = [] }) {
  if (files.length === 0) return;
  /** @type {string[]} */
  const urls = [];
  const box = document.createElement("div");
  box.className = "files";
  const pictures = document.createElement("div");
  pictures.className = "pictures";
  for (const file of files) {
    const shown = preview(file, urls);
    if (shown instanceof HTMLImageElement) {
      const picture = document.createElement("span");
      picture.className = "picture";
      picture.append(shown);
      pictures.append(picture);
    } else box.append(shown);
  }
  pictures.dataset.count = String(pictures.childElementCount);
  if (pictures.childElementCount > 0) box.prepend(pictures);
  line.querySelector(".message-body")?.after(box);
  addresses.set(line, urls);
  line.append(createUpload());
}

function createUpload() {
  const row = document.createElement("p");
  row.className = "entry-upload";
  const progress = document.createElement("progress");
  progress.max = 1;
  progress.value = 0;
  progress.setAttribute("aria-label", t("js-upload-progress", { percent: "" }).replace(/\s*:?\s*$/, ""));
  const cancel = document.createElement("button");
  cancel.type = "button";
  cancel.className = "link-button";
  cancel.dataset.action = "cancel-upload";
  cancel.textContent = t("js-upload-cancel");
  row.append(progress, cancel);
  return row;
}

/** How far it is, from 0 to 1. @param {HTMLElement} line @param {number} part */
export function drawProgress(line, part) {
  const progress = line.querySelector(".entry-upload progress");
  if (progress instanceof HTMLProgressElement) progress.value = part;
}

/** The bubble becomes a message, or goes. @param {HTMLElement} line */
export function letFilesGo(line) {
  line.querySelector(".entry-upload")?.remove();
  for (const url of addresses.get(line) ?? []) URL.revokeObjectURL(url);
  addresses.delete(line);
}
