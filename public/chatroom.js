/**
 * The room's page: it joins the reducer, the list, the composer, the outbox and the link, and decides nothing itself.
 *
 * @import { Change, Frame, Message, PendingItem, UserEvent, UserEventBody, UserPage } from "./types.js"
 * @import { Effects } from "./room/list_state.js"
 */
import { createComposer } from "./composer.js";
import { reasonOf, request } from "./http.js";
import { browserClock } from "./link/backoff.js";
import { oneAtATime } from "./link/once.js";
import { createSync } from "./link/sync.js";
import { askToken, eventSource, fetchEarlier, roomFetcher, webSocket } from "./link/transports.js";
import { createMessages, readList } from "./messages.js";
import { draftKey } from "./drafts.js";
import { startOutbox } from "./outbox_browser.js";
import { openStore } from "./outbox_store.js";
import { createPeople } from "./people.js";
import { createNotices } from "./notices.js";
import { createCompany } from "./room/company.js";
import { createLink } from "./realtime.js";
import { acknowledge, adopt, apply, applyPage, noteTop, setPending } from "./room_state.js";
import { asQuote, behind, createRoomState, nextRequest, ordered } from "./room/list_state.js";
import { createAttaching } from "./room/attaching.js";
import { listenToList } from "./room/actions.js";
import { createWriting } from "./room/writing.js";
import { emojiSource } from "./room/emoji_source.js";
import { createContext } from "./room/context.js";
import { mentionSource } from "./room/mention.js";
import { createPeopleSearch, peopleAsker } from "./room/people_search.js";
import { createSuggest } from "./room/suggest.js";
import { createHistory } from "./room/history.js";
import { createMarks } from "./room/marks.js";
import { createPanels } from "./room/panels.js";
import { readPins } from "./room/pins.js";
import { createReading } from "./room/reading.js";
import { createSearch } from "./room/search.js";
import { createScroll, keepPlace, recallPlace } from "./room/scroll.js";
import { createRooms } from "./rooms.js";
import { createPlayers } from "./voice/player.js";
import { createRecorder } from "./voice/recorder.js";
import { t } from "./strings.js";

/** A message so many revisions above the list is shown in a dialog rather than loading everything in between. */
const FAR = 1_000;

/** @param {string} id @returns {HTMLElement} */
function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`#${id} is missing`);
  return element;
}

/** The room as the server rendered it; whatever changes after the page's cursor is newer. @param {HTMLElement} root @param {number} id */
function readRoom(root, id) {
  const title = document.getElementById("room-title")?.textContent ?? "";
  return { id, kind: "", title, state: root.dataset.roomState ?? "", goal_id: Number(root.dataset.goal) || null, revision: 0, pins: readPins() };
}

/** @param {HTMLElement} root */
export async function startChatroom(root) {
  const room = Number(root.dataset.room);
  const path = `/message/chatroom/${room}`;
  // A page of the history that was asked for without scripts is not the end of the list: start from there.
  if (new URLSearchParams(location.search).has("before")) return location.replace(path + location.hash);

  const store = await openStore();
  const list = byId("messages");
  const scroller = byId("scroller");
  const { viewer: viewerId, epoch = "", revision, hasEarlier, myRole = "member", readPosition = "0", editWindow = "0" } = list.dataset;
  const viewer = Number(viewerId);
  const reader = { viewer, role: myRole, roomPath: path, editWindow: Number(editWindow) * 60_000 };
  const state = createRoomState({ room, viewer, epoch, revision: Number(revision) });
  adopt(state, { ...readList(list), hasEarlier: hasEarlier === "true", room: readRoom(root, room) });

  const loaded = ordered(state);
  const isNew = (/** @type {Message} */ message) => message.position > Number(readPosition);
  const firstUnread = loaded.find((message) => isNew(message) && message.author.id !== viewer && message.kind !== "system");
  // Where even the oldest message that is loaded is new, the first unread one is further up.
  const reachesBack = state.lowest === 0 || !loaded.every(isNew);
  const scroll = createScroll(scroller, list, () => reading.look());
  const messages = createMessages({
    list, state, reader, scroll,
    offline: () => link.state() === "offline",
    newFrom: firstUnread ? (reachesBack ? firstUnread.position : Number(readPosition) + 1) : null,
  });
  const rooms = createRooms({ list: byId("rooms"), viewer, current: room, title: document });
  const reading = createReading({
    state, scroll, messages, scroller,
    buttons: { latest: document.getElementById("jump-latest"), unread: document.getElementById("jump-unread") },
    position: Number(readPosition),
    onUnread: (count) => rooms.setUnread(room, count),
    reach: async (position) => void (await historyUp.reach(-1, position)),
  });
  const historyUp = createHistory({ state, scroller, list, button: document.getElementById("earlier"), take: draw });
  const form = /** @type {HTMLFormElement} */ (byId("composer"));
  const company = createCompany({ root, list, form, state, say: (frame) => link.say(frame) });
  const panels = createPanels({
    path, rooms,
    onPeople(at) {
      people.drawnAt(at);
      company.peopleDrawn();
    },
  });
  const context = createContext({ path });
  createSearch({ room, path, jump: (id, position) => void jumpTo(id, position) });
  const people = createPeople({ onStale: panels.reload, revision: Number(revision) });
  createPeopleSearch({ room });
  const notices = createNotices({ isLive: true });
  let userRevision = root.dataset.userRevision === undefined ? null : Number(root.dataset.userRevision);

  const sync = createSync({
    cursor: () => nextRequest(state),
    fetchPage: roomFetcher(room, company.query),
    deliver(page, asked) {
      const effects = applyPage(state, page, asked);
      company.fetched(page);
      if (page.member_count !== undefined) people.counted(page.member_count, page.revision);
      draw(effects);
      link.follow(page.mode);
      return effects;
    },
  });
  const link = createLink({
    clock: browserClock,
    random: Math.random,
    sync,
    behind: () => behind(state) || company.behind(),
    hidden: () => document.hidden,
    askToken,
    connect: (rung, token) => (rung === "websocket" ? webSocket : eventSource)(company.withTopics(token)),
    onFrame: hear,
    onState: showState,
    syncUser() {
      void syncUser();
      company.refresh();
    },
  });
  const outbox = startOutbox({
    store, viewer,
    onSent(item, change) {
      if (change.chatroom === room) take(acknowledge(state, item.nonce, change));
    },
    onItems: (items) => take(setPending(state, items)),
    onProgress: (nonce, part) => messages.progress(nonce, part),
    onSignedOut: () => showState("signed-out"),
  });
  const composer = createComposer({
    form,
    draftKey: draftKey(viewer, room),
    async send(content, quoted) {
      const files = attaching.files();
      company.sent();
      await outbox.add({ room, content, reply_to: quoted?.id ?? null, quoted, files });
      attaching.take(files);
      follow();
    },
    async edit(id, content) {
      const reply = await request(`/message/${id}/edit`, { form: { content } });
      if (reply.kind !== "ok") return reasonOf(reply, t("js-network-error"));
      take(apply(state, /** @type {Change} */ (reply.body)));
      return null;
    },
    hasFiles: () => attaching.files().length > 0,
    editLast() {
      const last = ordered(state).filter((message) => message.author.id === viewer && message.kind === "text" && !message.deleted).at(-1);
      if (last) void beginEdit(last.id);
    },
  });

  const attaching = createAttaching({
    form: /** @type {HTMLFormElement} */ (byId("composer")),
    talk: byId("main"),
    list,
    isOpen: () => root.dataset.roomState === "active" && composer.mode().kind !== "edit",
    complain: (text) => composer.complain(text),
  });

  createPlayers(list);
  createRecorder({
    form: /** @type {HTMLFormElement} */ (byId("composer")),
    complain: (text) => composer.complain(text),
    async send({ blob, duration, waveform }) {
      const mode = composer.mode();
      const quoted = mode.kind === "reply" ? mode.quoted : null;
      const files = [{ name: "voice", size: blob.size, type: blob.type, blob }];
      await outbox.add({ room, content: "", reply_to: quoted?.id ?? null, quoted, files, voice: { duration_ms: duration, waveform } });
      if (quoted) composer.cancel();
      follow();
    },
  });

  /** What one sends oneself is seen. */
  function follow() {
    messages.setNewFrom(null);
    scroll.toBottom();
    reading.look();
  }

  const field = /** @type {HTMLTextAreaElement} */ (byId("composer-content"));
  const suggest = createSuggest({ field, host: /** @type {HTMLElement} */ (field.closest(".composer-box")) });
  suggest.add(mentionSource({ viewer, role: () => reader.role, ask: peopleAsker(room) }));
  suggest.add(emojiSource());
  createWriting({ field, path });

  /** @param {number} id */
  async function beginEdit(id) {
    const message = state.messages.get(id);
    if (!message) return;
    if (message.content !== null) return composer.edit(message);
    // What the page showed has no Markdown: the newest message up to its position is the message itself.
    const answer = await fetchEarlier(room, message.position + 1, 1);
    const whole = answer.kind === "page" ? answer.page.messages.find((found) => found.id === id) : undefined;
    if (whole) composer.edit(whole);
    else composer.complain(t("js-network-error"));
  }

  const marks = createMarks({
    state, list, path, take,
    isOpen: () => root.dataset.roomState === "active",
    jump: jumpTo,
    async send(target, content) {
      await outbox.add({ room: target, content, reply_to: null, quoted: null });
    },
  });

  listenToList(list, {
    react: marks.react,
    mark(action, id, control) {
      const message = state.messages.get(id);
      if (action !== "unread") return marks.mark(action, id, control);
      if (message) void reading.markUnread(message);
      return true;
    },
    reply(id) {
      const message = state.messages.get(id);
      if (message) composer.reply(asQuote(message));
    },
    edit: (id) => void beginEdit(id),
    async remove(id) {
      const reply = await request(`/message/${id}/delete`, { form: {} });
      if (reply.kind === "ok") take(apply(state, /** @type {Change} */ (reply.body)));
      else composer.complain(reasonOf(reply, t("js-network-error")));
    },
    retry: (nonce) => void outbox.retry(nonce),
    discard: async (nonce) => giveBack(await outbox.discard(nonce)),
    cancelUpload: async (nonce) => giveBack(await outbox.cancel(nonce)),
    jump: (id, position) => void jumpTo(id, position),
  });

  /** What was not sent, to be sent otherwise. @param {PendingItem | null} item */
  function giveBack(item) {
    if (!item || item.voice) return;
    attaching.add(item.files ?? []);
    composer.giveBack(item.content);
  }

  /** @param {number} id @param {number} position */
  async function jumpTo(id, position) {
    const isFar = position > 0 && position < state.lowest - FAR;
    if (isFar && (await context.open(id, position))) return true;
    if (!(await historyUp.reach(id, position))) return context.open(id, position);
    const line = messages.line(id);
    if (!line) return false;
    scroll.to(line);
    line.classList.add("is-flash");
    line.addEventListener("animationend", () => line.classList.remove("is-flash"), { once: true });
    return true;
  }

  /** @param {Effects} effects */
  function draw(effects) {
    messages.draw(effects);
    if (effects.reset) historyUp.start();
    if (effects.fresh.length > 0) reading.arrived(effects.fresh.flatMap((id) => state.messages.get(id) ?? []));
    if (effects.room) showRoom();
    if (effects.members) showMembers();
    if (effects.settled.length > 0) void outbox.settle(effects.settled);
    company.drawn(effects);
  }

  /** @param {Effects} effects */
  function take(effects) {
    draw(effects);
    link.need(effects.fetch);
  }

  function showRoom() {
    if (!state.roomInfo) return;
    const before = root.dataset.roomState;
    root.dataset.roomState = state.roomInfo.state;
    marks.showRoom();
    if (before !== state.roomInfo.state || document.getElementById("room-title")?.textContent !== state.roomInfo.title) panels.reload();
    const title = document.getElementById("room-title");
    if (title) title.textContent = state.roomInfo.title;
  }

  function showMembers() {
    for (const member of state.members.values()) people.member(member);
    people.count(state.members.values());
    const mine = state.members.get(viewer);
    if (!mine || mine.role === reader.role) return;
    reader.role = list.dataset.myRole = mine.role;
    panels.reload();
  }

  /** @param {Frame} frame @returns {{ fetch: null | "soon" | "now" }} */
  function hear(frame) {
    if (company.hear(frame)) return { fetch: company.behind() ? "soon" : null };
    const data = JSON.parse(frame.data);
    if (frame.type === "heartbeat") return hearHeartbeat(data);
    if (frame.type === "user") {
      hearUser(/** @type {UserEvent} */ (data));
      return { fetch: null };
    }
    const change = /** @type {Change} */ (data);
    if (change.chatroom === room) {
      const effects = apply(state, change);
      draw(effects);
      return effects;
    }
    if (rooms.note(change)) void syncUser();
    if (change.room) panels.reload();
    return { fetch: null };
  }

  /** @param {Record<string, number>} tops @returns {{ fetch: null | "soon" | "now" }} */
  function hearHeartbeat(tops) {
    let behindElsewhere = false;
    /** @type {{ fetch: null | "soon" | "now" }} */
    let here = { fetch: null };
    for (const [topic, top] of Object.entries(tops)) {
      const id = Number(/chatroom\/(\d+)$/.exec(topic)?.[1]);
      if (id === room) here = noteTop(state, top);
      else if (id && rooms.isBehind(id, top)) behindElsewhere = true;
    }
    if (behindElsewhere) void syncUser();
    return here;
  }

  /** @param {UserEvent} event */
  function hearUser(event) {
    if (event.user !== viewer) return;
    if (!event.event && event.revision !== undefined) userRevision ??= event.revision - 1;
    if (event.revision !== undefined && userRevision !== null) {
      if (event.revision <= userRevision) return;
      if (event.revision > userRevision + 1) return void syncUser();
      if (event.event) userRevision = event.revision;
    }
    if (event.event) obey(event.event);
    else void syncUser();
  }

  /** @param {UserEventBody} event */
  function obey(event) {
    if (notices.hear(event)) return;
    const ours = event.goal != null && String(event.goal.id) === root.dataset.goal;
    if (event.kind === "mention" && event.chatroom !== undefined) rooms.mentioned(event.chatroom);
    if (event.kind === "read") {
      if (rooms.read(event)) void syncUser();
      if (event.chatroom === room) reading.readElsewhere(event.position ?? 0);
    } else if (event.kind === "unread") {
      if (event.chatroom === room) reading.unreadFrom(event.position ?? 0);
      else void syncUser();
    } else if (event.kind === "away") {
      company.objectToAway();
    } else if (event.kind === "hidden" || event.kind === "shown") {
      marks.heardHidden(event);
    } else if (event.kind === "participation_asked") {
      if (ours && event.actor && event.goal) people.asked(event.actor, event.goal.id);
    } else {
      if (ours) link.need("now");
      link.refresh();
      panels.reload();
    }
  }

  const syncUser = oneAtATime(async () => {
    const since = userRevision;
    const reply = await request(since === null ? "/user/fetch" : `/user/fetch?since=${since}`);
    if (reply.kind !== "ok") return;
    const page = /** @type {UserPage} */ (reply.body);
    link.follow(page.mode);
    if (rooms.adopt(page)) {
      link.refresh();
      panels.reload();
    }
    // The first answer only tells where the events stand: the page itself is as new as they are.
    const news = since === null ? [] : page.events.filter(({ revision: at }) => at === undefined || at > (userRevision ?? 0));
    userRevision = Math.max(userRevision ?? 0, page.revision);
    for (const { event } of news) if (event) obey(event);
  });

  /** @param {ReturnType<typeof link.state>} now */
  function showState(now) {
    const connection = byId("connection");
    connection.dataset.state = now;
    connection.textContent = t(now === "removed" ? "js-removed-from-room" : `js-connection-${now}`);
    if (now === "removed" && root.dataset.roomState !== "deleted") root.dataset.roomState = "removed";
    messages.redrawPending();
    if (now !== "offline" && now !== "connecting") outbox.wake();
  }

  function wake() {
    link.wake();
    outbox.wake();
  }

  addEventListener("online", wake);
  addEventListener("offline", () => link.offline());
  addEventListener("pageshow", (event) => event.persisted && wake());
  document.addEventListener("resume", wake);
  document.addEventListener("visibilitychange", () => !document.hidden && link.wake());

  /** Where the reader belongs: a linked message, the place before a reload, what is new, or the end. */
  async function settleDown() {
    const target = marks.target();
    const left = recallPlace(path);
    if (target) return marks.arrive(target);
    if (left && (await historyUp.reach(left.id, 0))) {
      const line = messages.line(left.id);
      if (line) return scroll.putAt(line, left.top);
    }
    const newLine = messages.newLine();
    if (newLine && scroller.scrollHeight > scroller.clientHeight) scroll.to(newLine);
    else scroll.toBottom();
  }

  addEventListener("pagehide", () => keepPlace(path, scroll.place()));
  const asked = state.messages.get(Number(new URLSearchParams(location.search).get("reply_to")));
  if (asked && composer.mode().kind === "send") composer.reply(asQuote(asked));
  if (location.search) history.replaceState(null, "", path + location.hash);

  scroll.toBottom();
  const settled = settleDown();
  link.start();
  await outbox.start();
  await settled;
  historyUp.start();
  reading.look();
  root.dataset.ready = "true";
}
