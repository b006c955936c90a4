/**
 * Files that wait in the composer: chosen, pasted or dropped, looked at before they are sent. What cannot be sent is told by
 * its name and stays out.
 *
 * @import { PendingFile } from "../types.js"
 */
import { byteSize, plural, t } from "../strings.js";
import { createCard } from "./attachments.js";

/**
 * Which of these files may join those that wait, and what is wrong with the others.
 * @param {PendingFile[]} waiting
 * @param {PendingFile[]} offered
 * @param {{ size: number, count: number }} limits
 * @returns {{ taken: PendingFile[], wrong: string[] }}
 */
export function sift(waiting, offered, limits) {
  const taken = [];
  const wrong = [];
  for (const file of offered) {
    if (file.size === 0) wrong.push(t("js-file-empty", { name: file.name }));
    else if (file.size > limits.size) {
      wrong.push(t("js-file-too-large", { name: file.name, size: byteSize(file.size), max: byteSize(limits.size) }));
    } else if (waiting.length + taken.length >= limits.count) {
      wrong.push(plural("js-file-too-many", limits.count));
      break;
    } else taken.push(file);
  }
  return { taken, wrong };
}

/** @param {File} file @returns {PendingFile} */
export function pendingFile(file) {
  return { name: file.name || "file", size: file.size, type: file.type, blob: file };
}

/** A picture of a file that is still here, or its card. @param {PendingFile} file @param {string[]} urls those to be let go later */
export function preview(file, urls) {
  if (!/^image\/(jpeg|png|gif|webp|avif)$/.test(file.type)) return createCard("div", file);
  const url = URL.createObjectURL(file.blob);
  urls.push(url);
  const image = document.createElement("img");
  image.src = url;
  image.alt = file.name;
  image.title = file.name;
  image.decoding = "async";
  return image;
}

/**
 * @param {{ form: HTMLFormElement, complain(text: string): void }} options
 */
export function createTray({ form, complain }) {
  const list = form.querySelector("#tray");
  const input = /** @type {HTMLInputElement | null} */ (form.querySelector("#composer-files"));
  const limits = { size: Number(form.dataset.fileLimit), count: Number(form.dataset.fileCount) };
  /** @type {Map<PendingFile, { line: HTMLElement, urls: string[] }>} */
  const waiting = new Map();
  const status = document.createElement("p");
  status.className = "visually-hidden";
  status.setAttribute("role", "status");
  form.append(status);

  function changed() {
    list?.toggleAttribute("hidden", waiting.size === 0);
    if (waiting.size > 0) form.dataset.files = String(waiting.size);
    else delete form.dataset.files;
    status.textContent = waiting.size > 0 ? plural("js-file-added", waiting.size) : "";
  }

  /** @param {PendingFile} file */
  function show(file) {
    /** @type {string[]} */
    const urls = [];
    const line = document.createElement("li");
    line.className = "tray-file";
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "tray-remove";
    remove.setAttribute("aria-label", t("js-file-remove", { name: file.name }));
    remove.append(cross());
    remove.addEventListener("click", () => {
      const next = line.nextElementSibling ?? line.previousElementSibling;
      take([file]);
      /** @type {HTMLElement | null | undefined} */ (next?.querySelector("button") ?? form.querySelector("textarea"))?.focus();
    });
    line.append(preview(file, urls), remove);
    list?.append(line);
    waiting.set(file, { line, urls });
  }

  /** @param {PendingFile[]} files */
  function take(files) {
    for (const file of files) {
      const shown = waiting.get(file);
      shown?.line.remove();
      for (const url of shown?.urls ?? []) URL.revokeObjectURL(url);
      waiting.delete(file);
    }
    changed();
  }

  /** @param {PendingFile[]} files @param {string[]} [refused] what was wrong with others already */
  function add(files, refused = []) {
    const { taken, wrong } = sift([...waiting.keys()], files, limits);
    for (const file of taken) show(file);
    complain([...refused, ...wrong].join(" "));
    if (taken.length > 0) changed();
  }

  input?.addEventListener("change", () => {
    add([...(input.files ?? [])].map(pendingFile));
    // The same file may be chosen again after it was taken away.
    input.value = "";
    /** @type {HTMLElement | null} */ (form.querySelector("textarea"))?.focus();
  });

  return {
    add,
    /** Those that were sent go, and those that came meanwhile stay. */
    take,
    files: () => [...waiting.keys()],
  };
}

/** @typedef {ReturnType<typeof createTray>} Tray */

function cross() {
  const close = document.querySelector("#composer [data-action=cancel] svg, .panel-close svg");
  return close ? close.cloneNode(true) : document.createTextNode("×");
}
