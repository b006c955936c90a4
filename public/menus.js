/** A menu that is a `details` opens without a script; with one it also closes as menus do. */

const OPEN = "details:is(.entry-actions, .tool-more, .manage)[open]";

export function startMenus() {
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll(OPEN)) {
      if (!(event.target instanceof Node && menu.contains(event.target))) menu.removeAttribute("open");
    }
  });
  // The last line of a list has no room below it. The event does not bubble.
  document.addEventListener("toggle", ({ target }) => {
    if (target instanceof HTMLElement && target.matches(OPEN)) target.lastElementChild?.scrollIntoView({ block: "nearest" });
  }, true);
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector(OPEN);
    if (!menu) return;
    menu.removeAttribute("open");
    menu.querySelector("summary")?.focus();
  });
}
