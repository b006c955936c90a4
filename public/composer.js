/**
 * The composer: sending, answering and editing in one field. What was typed is never lost: it is a draft until the
 * outbox has it, and a refused text stays where it is.
 *
 * @import { Message, Quoted } from "./types.js"
 */
import { readDraft, storeDraft } from "./drafts.js";
import { number, t } from "./strings.js";
import { nameOf, setText, showsNothing } from "./room/text.js";

export const LONGEST = 10_000;
const COUNT_FROM = 9_000;
const DRAFT_DELAY = 300;

/**
 * @typedef {{ kind: "send" } | { kind: "reply", quoted: Quoted } | { kind: "edit", id: number, mayBeEmpty: boolean }} ComposerMode
 *
 * @typedef {{
 *   form: HTMLFormElement, draftKey: string,
 *   send(content: string, quoted: Quoted | null): Promise<void>,
 *   edit(id: number, content: string): Promise<string | null>,
 *   editLast(): void, hasFiles(): boolean
 * }} ComposerOptions `edit` resolves to what is wrong, or null
 */

/** @param {string} text as the server counts: characters, not UTF-16 halves */
export function lengthOf(text) {
  let length = 0;
  for (const _character of text) length += 1;
  return length;
}

/** @param {ComposerOptions} options */
export function createComposer({ form, draftKey, send, edit, editLast, hasFiles }) {
  const field = /** @type {HTMLTextAreaElement} */ (form.querySelector("[name=content]"));
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("button[type=submit]"));
  const replyField = /** @type {HTMLInputElement | null} */ (form.querySelector("[name=reply_to]"));
  const context = form.querySelector("#composer-context");
  const error = form.querySelector("#composer-error");
  const count = document.createElement("p");
  count.className = "composer-count";
  count.setAttribute("aria-live", "polite");
  count.hidden = true;
  form.append(count);

  const touch = matchMedia("(pointer: coarse)");
  /** @type {ComposerMode} */
  let mode = { kind: "send" };
  /** What stood in the field before an edit began. */
  let aside = "";
  let busy = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let draftTimer;

  function saveDraft() {
    clearTimeout(draftTimer);
    storeDraft(draftKey, mode.kind === "edit" ? aside : field.value);
  }

  function grow() {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
    const length = lengthOf(field.value);
    count.hidden = length < COUNT_FROM;
    count.classList.toggle("is-over", length > LONGEST);
    setText(count, count.hidden ? "" : `${number(length)} / ${number(LONGEST)}`);
  }

  /** @param {string} text */
  function setValue(text) {
    field.value = text;
    grow();
  }

  /** @param {string} text */
  function complain(text) {
    if (!error) return;
    error.toggleAttribute("hidden", text === "");
    setText(error, text);
    field.toggleAttribute("aria-invalid", false);
    if (text) field.setAttribute("aria-invalid", "true");
  }

  /** @param {ComposerMode} next */
  function setMode(next) {
    mode = next;
    form.dataset.mode = next.kind;
    if (replyField) replyField.value = next.kind === "reply" ? String(next.quoted.id) : "";
    context?.toggleAttribute("hidden", next.kind === "send");
    const title = next.kind === "edit" ? t("js-editing") : next.kind === "reply" ? t("js-replying-to", { name: nameOf(next.quoted.author) }) : "";
    setText(form.querySelector(".composer-context-title"), title);
    setText(form.querySelector(".composer-context-excerpt"), next.kind === "reply" ? next.quoted.excerpt : "");
    button.setAttribute("aria-label", t(next.kind === "edit" ? "js-save" : "js-send"));
    complain("");
  }

  function cancel() {
    if (mode.kind === "edit") setValue(aside);
    aside = "";
    setMode({ kind: "send" });
    field.focus();
  }

  async function submit() {
    const content = field.value;
    // Files say enough: those that wait here, or those of the message that is edited.
    const mayBeEmpty = mode.kind === "edit" ? mode.mayBeEmpty : hasFiles();
    if (busy || (showsNothing(content) && !mayBeEmpty)) return;
    if (lengthOf(content) > LONGEST) return complain(t("js-message-too-long", { max: number(LONGEST) }));
    busy = true;
    try {
      await (mode.kind === "edit" ? submitEdit(mode.id, content) : submitNew(content));
    } finally {
      busy = false;
    }
  }

  /** @param {string} content */
  async function submitNew(content) {
    const quoted = mode.kind === "reply" ? mode.quoted : null;
    await send(content, quoted);
    // Whatever was typed while the outbox wrote is a new draft.
    setValue(field.value.startsWith(content) ? field.value.slice(content.length) : field.value);
    setMode({ kind: "send" });
    saveDraft();
  }

  /** @param {number} id @param {string} content */
  async function submitEdit(id, content) {
    form.setAttribute("aria-busy", "true");
    const wrong = await edit(id, content);
    form.removeAttribute("aria-busy");
    if (mode.kind !== "edit" || mode.id !== id) return;
    if (wrong) complain(wrong);
    else cancel();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void submit();
  });
  field.addEventListener("input", () => {
    grow();
    complain("");
    clearTimeout(draftTimer);
    draftTimer = setTimeout(saveDraft, DRAFT_DELAY);
  });
  field.addEventListener("keydown", (event) => {
    // An input method's Enter chooses a word; 229 is how older browsers say so.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey && !touch.matches) {
      event.preventDefault();
      void submit();
    } else if (event.key === "ArrowUp" && field.value === "" && mode.kind === "send") {
      event.preventDefault();
      editLast();
    } else if (event.key === "Escape" && mode.kind !== "send") {
      event.preventDefault();
      cancel();
    }
  });
  form.querySelector("[data-action=cancel]")?.addEventListener("click", (event) => {
    event.preventDefault();
    cancel();
  });
  addEventListener("pagehide", saveDraft);

  const editing = /\/message\/(\d+)\/edit$/.exec(form.getAttribute("action") ?? "");
  if (editing && form.dataset.mode === "edit") {
    aside = readDraft(draftKey);
    mode = { kind: "edit", id: Number(editing[1]), mayBeEmpty: false };
  } else if (field.value === "") setValue(readDraft(draftKey));
  grow();

  return {
    focus: () => field.focus(),
    complain,
    cancel,
    mode: () => mode,
    /** @param {Quoted} quoted */
    reply(quoted) {
      if (mode.kind === "edit") cancel();
      setMode({ kind: "reply", quoted });
      field.focus();
    },
    /** @param {Message} message */
    edit(message) {
      if (mode.kind !== "edit") aside = field.value;
      setMode({ kind: "edit", id: message.id, mayBeEmpty: (message.attachments ?? []).length > 0 });
      setValue(message.content ?? "");
      field.focus();
      field.setSelectionRange(field.value.length, field.value.length);
    },
    /** Gives a text back that was not sent. @param {string} text */
    giveBack(text) {
      if (field.value === "") setValue(text);
      saveDraft();
      field.focus();
    },
  };
}

/** @typedef {ReturnType<typeof createComposer>} Composer */
