/** The entry: every page works without it; this makes the present one better. */
import { startChatroom } from "./chatroom.js";
import { loadStrings } from "./strings.js";
import { startPreferences } from "./preferences.js";

loadStrings(document);
startPreferences();
const room = document.getElementById("chatroom");
if (room) void startChatroom(room);
