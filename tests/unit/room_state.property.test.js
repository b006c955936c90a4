/**
 * Nothing lost, nothing twice: whatever is dropped, doubled, reordered or repeated on the way, in the end every
 * client's list is the server's, and every acknowledged nonce is in it once.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { behind, createRoomState, earlierRequest, nextRequest, ordered, quoteOf, reactionsOf } from "../../public/room/list_state.js";
import { acknowledge, adopt, apply, applyPage, noteTop, setPending, wish } from "../../public/room_state.js";
import { fakeRoom } from "./support/room.js";

const CLIENTS = 3;
const RUNS = Number(process.env.PALABRE_PROPERTY_RUNS ?? 1000);

/** A client with a wire that loses, doubles and reorders, and requests whose answers come late or never. */
class Client {
  constructor(room, viewer) {
    Object.assign(this, { room, viewer, outbox: [], seq: 0, acknowledged: new Set() });
    this.load();
  }

  load() {
    const page = this.room.newest();
    this.state = createRoomState({ room: this.room.chatroom, viewer: this.viewer, epoch: page.epoch, revision: page.revision });
    adopt(this.state, { messages: page.messages, quoted: page.quoted, hasEarlier: page.has_earlier });
    this.wire = [];
    this.answers = [];
    this.connected = true;
    this.reconcile();
  }

  heed(effects) {
    for (const nonce of effects.settled) this.outbox = this.outbox.filter((item) => item.nonce !== nonce);
    for (const { nonce } of this.state.pending.values()) assert.ok(!this.state.own.has(nonce), "a bubble beside its message");
  }

  reconcile() {
    this.heed(setPending(this.state, this.outbox));
  }

  ask(kind) {
    const { state, room } = this;
    if (kind === "earlier") {
      if (state.lowest === 0) return;
      const request = earlierRequest(state);
      this.answers.push({ page: structuredClone(room.before(request.before)), request });
    } else {
      const request = nextRequest(state);
      this.answers.push({ page: structuredClone(room.since(request)), request });
    }
  }

  hearAnswer(pick) {
    const [answer] = this.answers.splice(pick % this.answers.length, 1);
    if (answer) this.heed(applyPage(this.state, answer.page, answer.request));
  }

  compose(text) {
    this.seq += 1;
    const nonce = `${this.viewer}-${this.seq}`;
    this.outbox.push({
      nonce, room: 1, viewer: this.viewer, content: text, reply_to: null, quoted: null, created_at: "", seq: this.seq, status: "queued", error: null,
    });
    this.reconcile();
  }

  /** One attempt: it reaches the server or not, and its answer comes back or not. */
  send(reaches, returns, publish) {
    const item = this.outbox[0];
    if (!item || !reaches) return;
    const before = this.room.revision;
    const change = structuredClone(this.room.post(this.viewer, item.content, { nonce: item.nonce }));
    if (this.room.revision > before) publish(change);
    if (!returns) return;
    this.acknowledged.add(item.nonce);
    this.outbox.shift();
    this.heed(acknowledge(this.state, item.nonce, change));
    this.reconcile();
  }

  /** The oldest wish reaches the server or is refused; either way it is no wish any more. */
  answerWish(reaches, publish) {
    const [asked] = this.state.wishes.values();
    if (!asked) return;
    const { id, emoji, on } = asked;
    const message = this.room.messages.get(id);
    const present = message?.reactions.find((reaction) => reaction.emoji === emoji)?.users.includes(this.viewer) ?? false;
    const change = reaches && message && present !== on ? this.room.react(id, this.viewer, emoji) : null;
    if (change) {
      publish(change);
      this.heed(apply(this.state, structuredClone(change)));
    }
    this.heed(wish(this.state, id, emoji, null));
  }

  /** What the link does in the end, on whatever rung: connect, fetch, heed the heartbeat. */
  catchUp(publish) {
    while (this.outbox.length > 0) this.send(true, true, publish);
    while (this.state.wishes.size > 0) this.answerWish(true, publish);
    let rounds = 0;
    noteTop(this.state, this.room.revision);
    do {
      const request = nextRequest(this.state);
      const page = this.room.since(request);
      this.heed(applyPage(this.state, structuredClone(page), request));
      if (!page.has_more && !behind(this.state)) break;
      rounds += 1;
    } while (rounds < 1000);
    assert.ok(rounds < 1000, "the client never arrives");
  }
}

const small = fc.nat(40);
const client = fc.nat(CLIENTS - 1);
const action = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("post"), reply: fc.option(small, { nil: null }), thin: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("edit"), pick: small, thin: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("remove"), pick: small }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("member"), who: fc.nat(2), role: fc.constantFrom("member", "admin"), left: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("react"), pick: small, who: fc.nat(2), emoji: fc.constantFrom("👍", "🎉") }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("pin"), pick: small, thin: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("state"), state: fc.constantFrom("active", "locked", "archived") }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("wish"), client, pick: small, emoji: fc.constantFrom("👍", "🎉"), on: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("answerWish"), client, reaches: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("rename") }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restore"), keep: small }) },
  { weight: 12, arbitrary: fc.record({ do: fc.constant("deliver"), client, pick: small, keep: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("drop"), client, pick: small }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("ask"), client, kind: fc.constantFrom("since", "earlier") }) },
  { weight: 9, arbitrary: fc.record({ do: fc.constant("answer"), client, pick: small }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("heartbeat"), client }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("switch"), client }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reload"), client }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("compose"), client }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("send"), client, reaches: fc.boolean(), returns: fc.boolean() }) },
);

function run(actions) {
  const room = fakeRoom({ pageSize: 3 });
  for (let i = 0; i < 12; i += 1) room.post(2, `before ${i}`);
  const clients = [1, 2, 3].map((viewer) => new Client(room, viewer));
  const publish = (change, thin = false) => {
    if (!change) return;
    const { epoch, chatroom, revision } = change;
    for (const each of clients) if (each.connected) each.wire.push(structuredClone(thin ? { epoch, chatroom, revision } : change));
  };
  const before = clients.map(() => ({ epoch: "", revision: 0, loaded: null }));
  const nth = (pick) => room.sorted()[pick % Math.max(1, room.messages.size)]?.id;
  let count = 0;
  for (const step of actions) {
    const each = clients[step.client ?? 0];
    count += 1;
    switch (step.do) {
      case "post":
        publish(room.post(2, `m${count}`, { replyTo: step.reply === null ? null : nth(step.reply) }), step.thin && count % 3 === 0);
        break;
      case "edit":
        publish(room.edit(nth(step.pick), `e${count}`), step.thin);
        break;
      case "remove":
        publish(room.remove(nth(step.pick)));
        break;
      case "member":
        publish(room.member(step.who + 1, step.role, step.left ? "left" : "joined"));
        break;
      case "react":
        publish(room.react(nth(step.pick), step.who + 1, step.emoji));
        break;
      case "pin":
        publish(room.pin(nth(step.pick)), step.thin);
        break;
      case "state":
        publish(room.state(step.state));
        break;
      case "wish":
        if (nth(step.pick)) each.heed(wish(each.state, nth(step.pick), step.emoji, step.on));
        break;
      case "answerWish":
        each.answerWish(step.reaches, publish);
        break;
      case "rename":
        publish(room.rename(`r${count}`));
        break;
      case "restore":
        if (count % 4 === 0) {
          room.restore(`e${count + 1}`, step.keep);
          for (const one of clients) one.acknowledged.clear();
        }
        break;
      case "deliver": {
        const at = step.pick % Math.max(1, each.wire.length);
        const change = each.wire[at];
        if (!step.keep) each.wire.splice(at, 1);
        if (change) each.heed(apply(each.state, structuredClone(change)));
        break;
      }
      case "drop":
        each.wire.splice(step.pick % Math.max(1, each.wire.length), 1);
        break;
      case "ask":
        each.ask(step.kind);
        break;
      case "answer":
        if (each.answers.length > 0) each.hearAnswer(step.pick);
        break;
      case "heartbeat":
        each.heed(noteTop(each.state, room.revision));
        break;
      case "switch":
        each.wire = [];
        each.connected = !each.connected;
        break;
      case "reload":
        each.load();
        break;
      case "compose":
        each.compose(`own ${count}`);
        break;
      case "send":
        each.send(step.reaches, step.returns, publish);
        break;
      default:
        throw new Error(step.do);
    }
    clients.forEach((one, index) => {
      before[index] = checkStep(room, one, before[index]);
    });
  }
  for (const each of clients) each.catchUp(publish);
  for (const each of clients) each.catchUp(publish);
  return { room, clients };
}

/** At every moment: the cursor never goes back in one log, and nothing at or below it is missing from the list. */
function checkStep(room, { state, acknowledged }, before) {
  const { epoch, revision } = state;
  if (epoch === before.epoch && before.loaded === state) assert.ok(revision >= before.revision, "the cursor went back");
  const then = room.copies[epoch][revision];
  for (const message of then.messages.values()) {
    if (message.position < state.lowest) continue;
    const mine = state.messages.get(message.id);
    const now = room.epoch === epoch ? room.messages.get(message.id) : undefined;
    const comesLater = room.epoch !== epoch || now.revision > revision;
    assert.ok((mine && mine.revision >= message.revision) || comesLater, `message ${message.id} is missing below the cursor`);
  }
  for (const message of state.messages.values()) {
    assert.ok(message.position >= state.lowest, "a message outside the window");
    assert.equal(message.content, room.copies[epoch][message.revision].messages.get(message.id).content, "a state that never was");
  }
  for (const nonce of room.epoch === epoch ? acknowledged : []) {
    const sent = room.sorted().find((message) => message.client_nonce === nonce);
    assert.ok(state.pending.has(nonce) || state.own.has(nonce) || sent.position < state.lowest, `${nonce} is nowhere to be seen`);
  }
  return { epoch, revision, loaded: state };
}

function check({ room, clients }) {
  const all = room.sorted();
  for (const { state, viewer, acknowledged } of clients) {
    const expected = all.filter((message) => message.position >= state.lowest);
    assert.deepEqual(ordered(state), expected, `the list of ${viewer}`);
    assert.equal(state.revision, room.revision);
    assert.equal(state.epoch, room.epoch);
    assert.equal(state.pending.size, 0, `bubbles left with ${viewer}`);
    assert.equal(state.held.size, 0);
    for (const message of expected) {
      const seen = quoteOf(state, message);
      assert.deepEqual(seen, room.quoted(message), `the quote in ${message.id}`);
    }
    for (const message of expected) assert.deepEqual(reactionsOf(state, message), message.reactions, `the reactions of ${message.id}`);
    for (const [person, member] of state.members) assert.deepEqual(member, room.members.get(person));
    if (state.roomInfo) assert.deepEqual(state.roomInfo, room.info);
    for (const nonce of acknowledged) {
      assert.equal(all.filter((message) => message.author.id === viewer && message.client_nonce === nonce).length, 1, `nonce ${nonce}`);
    }
  }
}

test("every client's list is the server's, and every acknowledged nonce is there once", () => {
  fc.assert(
    fc.property(fc.array(action, { minLength: 10, maxLength: 120, size: "max" }), (actions) => check(run(actions))),
    { numRuns: RUNS },
  );
});
