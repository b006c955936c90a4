/** A sentence that comes, can be acted upon, and goes again. */

const STAYS = 7_000;

/**
 * @param {string} text
 * @param {{ label: string, act(): void } | { label: string, href: string }} [offer]
 */
export function toast(text, offer) {
  const place = document.getElementById("toasts");
  if (!place) return;
  const line = document.createElement("p");
  line.className = "toast";
  line.append(text);
  if (offer) line.append(control(offer, () => line.remove()));
  place.replaceChildren(line);
  // Who is about to use it keeps it.
  const leave = () => (line.matches(":hover, :focus-within") ? setTimeout(leave, STAYS) : line.remove());
  setTimeout(leave, STAYS);
}

/** @param {{ label: string, act(): void } | { label: string, href: string }} offer @param {() => void} close */
function control(offer, close) {
  if ("href" in offer) {
    const link = document.createElement("a");
    link.className = "link-button";
    link.href = offer.href;
    link.textContent = offer.label;
    return link;
  }
  const button = document.createElement("button");
  button.className = "link-button";
  button.type = "button";
  button.textContent = offer.label;
  button.addEventListener("click", () => {
    close();
    offer.act();
  });
  return button;
}
