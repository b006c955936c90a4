/** Pictures and other files as people have them, made in the browser: nothing of the kind lies in the repository. */

/** @import { Page } from "playwright-core" */

/**
 * A PNG that is drawn in the page.
 * @param {Page} page @param {number} width @param {number} height @param {string} [text]
 * @returns {Promise<Buffer>}
 */
export async function drawPicture(page, width, height, text = "") {
  const base64 = await page.evaluate(async ([wide, high, words]) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: wide, height: high });
    const paint = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const sky = paint.createLinearGradient(0, 0, Number(wide), Number(high));
    for (const [at, colour] of /** @type {const} */ ([[0, "#2f6b4f"], [0.55, "#8fb573"], [1, "#f1c65c"]])) sky.addColorStop(at, colour);
    paint.fillStyle = sky;
    paint.fillRect(0, 0, canvas.width, canvas.height);
    paint.fillStyle = "#fff";
    paint.font = `${Math.round(canvas.height / 6)}px sans-serif`;
    paint.fillText(String(words), canvas.width / 12, canvas.height / 2);
    return canvas.toDataURL("image/png").split(",")[1];
  }, /** @type {const} */ ([width, height, text]));
  return Buffer.from(base64, "base64");
}

/** @typedef {{ name: string, mimeType: string, buffer: Buffer }} Given */

/**
 * Files dropped onto an element, or pasted into it, as the desktop does it.
 * @param {Page} page @param {string} selector @param {"drop" | "paste"} how @param {Given[]} files
 */
export async function give(page, selector, how, files) {
  const packed = files.map(({ name, mimeType, buffer }) => ({ name, mimeType, base64: buffer.toString("base64") }));
  await page.evaluate(([where, way, given]) => {
    const carried = new DataTransfer();
    for (const { name, mimeType, base64 } of given) {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      carried.items.add(new File([bytes], name, { type: mimeType }));
    }
    const target = document.querySelector(where);
    const options = { bubbles: true, cancelable: true };
    if (way === "paste") target?.dispatchEvent(new ClipboardEvent("paste", { ...options, clipboardData: carried }));
    else for (const type of ["dragenter", "dragover", "drop"]) target?.dispatchEvent(new DragEvent(type, { ...options, dataTransfer: carried }));
  }, /** @type {const} */ ([selector, how, packed]));
}

/** One for each page: what two sessions wish would hold at once. @type {WeakMap<Page, import("playwright-core").CDPSession>} */
const sessions = new WeakMap();

/** From now on this page sends so many bytes a second; 0 is as fast as it goes. @param {Page} page @param {number} uploadThroughput */
export async function slowDown(page, uploadThroughput) {
  const devtools = sessions.get(page) ?? (await page.context().newCDPSession(page));
  sessions.set(page, devtools);
  const options = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: uploadThroughput || -1 };
  await devtools.send("Network.enable");
  await devtools.send("Network.emulateNetworkConditions", options);
}
