/** What a message said before its edits: for its author and for who moderates. */

/** @import { Message } from "../types.js" */
import { reasonOf, request } from "../http.js";
import { t } from "../strings.js";
import { longTime } from "../time.js";
import { dialog, show } from "./dialogs.js";
import { toast } from "./toast.js";

/** @param {Message} message with its content */
export async function showVersions(message) {
  /** @type {{ content: string, written_at: string }[]} */
  const versions = [];
  for (let after = /** @type {number | null} */ (0); after !== null; ) {
    const reply = await request(`/message/${message.id}/versions?after=${after}`);
    if (reply.kind !== "ok") return toast(reasonOf(reply, t("js-network-error")));
    const page = /** @type {{ versions: typeof versions, next: number | null }} */ (reply.body);
    versions.push(...page.versions);
    after = page.next;
  }
  const now = { content: message.content ?? "", written_at: message.edited_at ?? message.created_at };
  const open = dialog("versions-dialog");
  open?.querySelector(".versions-list")?.replaceChildren(...[...versions, now].reverse().map(({ content, written_at }, at) => {
    const line = document.createElement("li");
    const time = document.createElement("time");
    time.dateTime = written_at;
    time.textContent = at === 0 ? `${t("js-version-now")} · ${longTime(written_at)}` : longTime(written_at);
    const text = document.createElement("p");
    text.textContent = content;
    line.append(time, text);
    return line;
  }));
  show(open);
}
