/** Files that are pasted into the composer or dropped anywhere on the talk. */
import { t } from "../strings.js";
import { pendingFile } from "./tray.js";

/** @import { PendingFile } from "../types.js" */

/**
 * @param {{
 *   talk: HTMLElement, field: HTMLElement, isOpen(): boolean, add(files: PendingFile[], refused?: string[]): void
 * }} options
 */
export function listenForFiles({ talk, field, isOpen, add }) {
  field.addEventListener("paste", (event) => {
    const { clipboardData } = event;
    const files = [...(clipboardData?.files ?? [])];
    // A table copied from a spreadsheet comes with its picture: who pastes it wants the text.
    if (files.length === 0 || clipboardData?.types.includes("text/plain") || !isOpen()) return;
    event.preventDefault();
    add(files.map(pendingFile));
  });

  /** @param {boolean} on */
  const show = (on) => talk.classList.toggle("is-dropping", on);

  talk.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = isOpen() ? "copy" : "none";
    show(isOpen());
  });
  talk.addEventListener("dragleave", (event) => {
    if (!(event.relatedTarget instanceof Node && talk.contains(event.relatedTarget))) show(false);
  });
  talk.addEventListener("drop", (event) => {
    show(false);
    if (!carriesFiles(event)) return;
    event.preventDefault();
    if (!isOpen()) return;
    const { files, folders } = filesOf(event.dataTransfer);
    add(files.map(pendingFile), folders.map((name) => t("js-file-folder", { name })));
    field.focus();
  });
  // Beside the talk a dropped file would replace the page.
  for (const type of ["dragover", "drop"]) {
    addEventListener(type, (event) => carriesFiles(/** @type {DragEvent} */ (event)) && event.preventDefault());
  }
}

/** @param {DragEvent} event */
function carriesFiles(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

/** @param {DataTransfer | null} transfer */
function filesOf(transfer) {
  const files = [];
  const folders = [];
  for (const item of transfer?.items ?? []) {
    const entry = item.kind === "file" ? (item.webkitGetAsEntry?.() ?? null) : null;
    const file = item.getAsFile();
    if (entry?.isDirectory) folders.push(entry.name);
    else if (file) files.push(file);
  }
  return { files, folders };
}
