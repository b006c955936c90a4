/** The theme changes under the reader's eyes; the server is told beside it. The language needs a new page. */
import { request } from "./http.js";

export function startPreferences() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const button = event.submitter;
    if (!(form instanceof HTMLFormElement) || !(button instanceof HTMLButtonElement)) return;
    if (new URL(form.action).pathname !== "/preferences" || button.name !== "theme") return;
    event.preventDefault();
    showTheme(button.value);
    void request(form.action, { form: { theme: button.value, back: location.pathname } });
  });
}

/** @param {string} theme */
function showTheme(theme) {
  document.documentElement.dataset.theme = theme;
  document.querySelector("meta[name=color-scheme]")?.setAttribute("content", theme === "auto" ? "light dark" : theme);
  for (const button of document.querySelectorAll("button[name=theme]")) {
    button.setAttribute("aria-pressed", String(/** @type {HTMLButtonElement} */ (button).value === theme));
  }
}
