/**
 * A room as the server keeps it: one dense revision for every change, and answers as the fetch gives them.
 */
export const people = [1, 2, 3].map((id) => ({ id, first_name: `P${id}`, last_name: "Test", initials: `P${id}` }));

export function fakeRoom({ chatroom = 1, epoch = "e1", pageSize = 50 } = {}) {
  const room = {
    chatroom, epoch, revision: 0, pageSize,
    messages: new Map(), members: new Map(), info: { id: chatroom, kind: "goal", title: "t", state: "active", goal_id: 1, revision: 0, pins: [] },
    nextId: 1, copies: { [epoch]: [] },

    /** What a backup taken at each revision would hold. */
    keepCopy() {
      room.copies[room.epoch][room.revision] = { messages: new Map(room.messages), members: new Map(room.members), info: room.info };
    },
    change(part) {
      return { epoch: room.epoch, chatroom, revision: room.revision, ...part };
    },
    /** The change that a message's present state is. */
    changeOf(message) {
      const quoted = room.quoted(message);
      return { epoch: room.epoch, chatroom, revision: message.revision, message, ...(quoted ? { quoted } : {}) };
    },
    quoted(message) {
      const source = message.reply_to && room.messages.get(message.reply_to.id);
      if (!source) return null;
      const { id, position, author, excerpt, deleted } = source;
      return { id, position, author, excerpt, deleted };
    },
    post(author, content, { nonce = null, replyTo = null } = {}) {
      const repeated = nonce && [...room.messages.values()].find((m) => m.author.id === author && m.client_nonce === nonce);
      if (repeated) return room.changeOf(repeated);
      room.revision += 1;
      const source = replyTo && room.messages.get(replyTo);
      const message = {
        id: room.nextId, position: room.revision, revision: room.revision, kind: "text", client_nonce: nonce,
        author: people[author - 1], content, excerpt: content, created_at: "2026-11-22T12:00:00Z", edited_at: null,
        reactions: [], deleted: false, reply_to: source ? { id: source.id, position: source.position } : null, html: `<p>${content}</p>`,
      };
      room.nextId += 1;
      room.messages.set(message.id, message);
      room.keepCopy();
      return room.changeOf(message);
    },
    alter(id, part) {
      const message = room.messages.get(id);
      if (!message || message.deleted) return null;
      room.revision += 1;
      const next = { ...message, ...part, revision: room.revision };
      room.messages.set(id, next);
      const { position, author, excerpt, deleted } = next;
      const pins = room.info.pins.flatMap((pin) => (pin.id !== id ? pin : deleted ? [] : { id, position, author, excerpt, deleted }));
      room.info = { ...room.info, pins };
      room.keepCopy();
      return room.changeOf(room.messages.get(id));
    },
    edit: (id, content) => room.alter(id, { content, excerpt: content, html: `<p>${content}</p>`, edited_at: "2026-11-22T13:00:00Z" }),
    remove: (id) => room.alter(id, { content: "", excerpt: "", html: "<p></p>", reactions: [], deleted: true }),
    member(person, role, state = "joined") {
      room.revision += 1;
      const member = { user: people[person - 1], role, state, revision: room.revision };
      room.members.set(person, member);
      room.keepCopy();
      return room.change({ member });
    },
    /** Somebody's emoji, put there or taken away. */
    react(id, user, emoji) {
      const reactions = structuredClone(room.messages.get(id)?.reactions ?? []);
      const known = reactions.find((reaction) => reaction.emoji === emoji);
      if (!known) reactions.push({ emoji, users: [user] });
      else known.users = known.users.includes(user) ? known.users.filter((one) => one !== user) : [...known.users, user];
      return room.alter(id, { reactions: reactions.filter(({ users }) => users.length > 0) });
    },
    pin(id) {
      const message = room.messages.get(id);
      if (!message || message.deleted) return null;
      room.revision += 1;
      const { position, author, excerpt, deleted } = message;
      const others = room.info.pins.filter((pin) => pin.id !== id);
      const pins = others.length < room.info.pins.length ? others : [{ id, position, author, excerpt, deleted }, ...others];
      room.info = { ...room.info, pins, revision: room.revision };
      room.keepCopy();
      return room.change({ room: room.info });
    },
    state(state) {
      room.revision += 1;
      room.info = { ...room.info, state, revision: room.revision };
      room.keepCopy();
      return room.change({ room: room.info });
    },
    rename(title) {
      room.revision += 1;
      room.info = { ...room.info, title, revision: room.revision };
      room.keepCopy();
      return room.change({ room: room.info });
    },
    /** Restored from an older copy: a new epoch, the last changes gone. */
    restore(epoch, keep) {
      const { messages, members, info } = room.copies[room.epoch][Math.min(keep, room.revision)];
      room.revision = Math.min(keep, room.revision);
      Object.assign(room, { messages: new Map(messages), members: new Map(members), info });
      room.copies[epoch] ??= room.copies[room.epoch].slice(0, room.revision + 1);
      room.epoch = epoch;
    },
    sorted: () => [...room.messages.values()].sort((a, b) => a.position - b.position),
    quotedOf: (messages) => messages.flatMap((message) => room.quoted(message) ?? []),
    newest() {
      const messages = room.sorted().slice(-room.pageSize);
      return {
        epoch: room.epoch, chatroom, revision: room.revision, has_more: false, count: messages.length, messages,
        quoted: room.quotedOf(messages), room: room.info, members: [...room.members.values()],
        has_earlier: room.messages.size > messages.length,
      };
    },
    since({ epoch: asked, since }) {
      if (asked !== room.epoch || since > room.revision) return { ...room.newest(), reset: true };
      const changed = room.sorted().filter((m) => m.revision > since).sort((a, b) => a.revision - b.revision);
      const messages = changed.slice(0, room.pageSize);
      const has_more = changed.length > messages.length;
      const members = [...room.members.values()].filter((m) => m.revision > since);
      return {
        epoch: room.epoch, chatroom, revision: has_more ? messages.at(-1).revision : room.revision, has_more, count: messages.length,
        messages, quoted: room.quotedOf(messages), ...(room.info.revision > since ? { room: room.info } : {}), ...(members.length ? { members } : {}),
      };
    },
    before(position) {
      const older = room.sorted().filter((m) => m.position < position);
      const messages = older.slice(-room.pageSize);
      return {
        epoch: room.epoch, chatroom, revision: room.revision, has_more: false, count: messages.length, messages,
        quoted: room.quotedOf(messages), has_earlier: older.length > messages.length,
      };
    },
  };
  room.keepCopy();
  return room;
}
