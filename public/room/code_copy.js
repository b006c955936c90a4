/** A button on each block of code that copies it. Its words are a label that CSS shows: they are no part of what the message says. */
import { t } from "../strings.js";

const SHOWN = 1_500;

/** @param {HTMLElement} button @param {string} key */
function label(button, key) {
  button.setAttribute("aria-label", t(key));
}

/** @param {HTMLElement} button @param {Element} block */
async function copy(button, block) {
  await navigator.clipboard.writeText((block.querySelector("code")?.textContent ?? "").replace(/\n$/, ""));
  label(button, "js-copied");
  setTimeout(() => label(button, "js-copy-code"), SHOWN);
}

/** Adds the button to the blocks that have none. @param {ParentNode} line */
export function addCopyButtons(line) {
  // Without a secure context there is no clipboard.
  if (!("clipboard" in navigator)) return;
  for (const block of line.querySelectorAll(".message-body pre")) {
    if (block.parentElement?.classList.contains("code-box")) continue;
    const box = document.createElement("div");
    box.className = "code-box";
    block.replaceWith(box);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "code-copy";
    label(button, "js-copy-code");
    button.addEventListener("click", () => void copy(button, block));
    box.append(block, button);
  }
}
