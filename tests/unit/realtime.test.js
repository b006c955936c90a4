/** The link: falling down the ladder, climbing back, and noticing what no transport says. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff } from "../../public/link/backoff.js";
import { SILENCE_LIMIT } from "../../public/link/stream.js";
import { HEARTBEAT, fakeNet, seeded } from "./support/net.js";

async function started(options) {
  const net = fakeNet(options);
  net.link.start();
  await net.clock.advance(100);
  return net;
}

test("the WebSocket opens first, and what was posted before it is fetched", async () => {
  const net = fakeNet();
  net.room.post(2, "between the page and the stream");
  net.link.start();
  await net.clock.advance(100);
  assert.equal(net.link.state(), "live");
  assert.deepEqual(net.texts(), ["between the page and the stream"]);
  net.say("pushed");
  assert.deepEqual(net.texts().at(-1), "pushed");
});

test("frames that arrive before the fetch is answered wait for it, and are not lost", async () => {
  const net = fakeNet();
  net.latency = 50;
  net.room.post(2, "before the stream");
  net.link.start();
  await net.clock.advance(30);
  net.say("while the answer travels");
  assert.deepEqual(net.texts(), []);
  await net.clock.advance(45);
  assert.deepEqual(net.texts(), ["before the stream", "while the answer travels"]);
});

test("a lost change is found by the next one within a moment", async () => {
  const net = await started();
  net.say("lost", { lost: true });
  net.say("seen");
  assert.deepEqual(net.texts(), []);
  await net.clock.advance(99);
  assert.deepEqual(net.texts(), []);
  await net.clock.advance(10);
  assert.deepEqual(net.texts(), ["lost", "seen"]);
});

test("a change without its content is fetched at once, and several by one fetch after the other", async () => {
  const net = await started();
  const fetched = net.fetches.length;
  net.latency = 40;
  const before = net.clock.now();
  for (const text of ["one", "two", "three"]) net.say(text, { thin: true });
  await net.clock.advance(0);
  assert.deepEqual(net.fetches.slice(fetched).map(({ at }) => at), [before], "no moment is waited for a hole to fill");
  await net.clock.advance(90);
  assert.deepEqual(net.texts(), ["one", "two", "three"]);
  assert.ok(net.fetches.length - fetched <= 2, "one is under way, one comes after it");
  net.say("four");
  assert.deepEqual(net.texts().at(-1), "four");
});

test("a half-dead link is found by the heartbeat", async () => {
  const net = await started();
  net.say("lost", { lost: true });
  await net.clock.advance(HEARTBEAT);
  assert.deepEqual(net.texts(), ["lost"]);
  assert.equal(net.opened.length, 1);
});

test("two missed heartbeats: another stream is opened", async () => {
  const net = await started();
  net.streams[0].silent = true;
  net.say("said to nobody");
  await net.clock.advance(SILENCE_LIMIT - 200);
  assert.equal(net.opened.length, 1);
  await net.clock.advance(3_000);
  assert.equal(net.opened.length, 2);
  assert.deepEqual(net.texts(), ["said to nobody"]);
  assert.equal(net.link.state(), "live");
});

test("it falls from rung to rung and climbs back", async () => {
  const net = fakeNet();
  net.up.websocket = false;
  net.up.sse = false;
  net.link.start();
  await net.clock.advance(500);
  assert.equal(net.link.state(), "longpoll");
  net.say("to the long poll");
  await net.clock.advance(50);
  assert.deepEqual(net.texts(), ["to the long poll"]);
  net.up.sse = true;
  await net.clock.advance(120_000);
  assert.equal(net.link.state(), "sse");
  net.up.websocket = true;
  await net.clock.advance(600_000);
  assert.equal(net.link.state(), "live");
  net.say("to the WebSocket");
  assert.deepEqual(net.texts().at(-1), "to the WebSocket");
  assert.equal(net.streams.length, 1);
});

test("what hangs while it opens does not hold up the messages", async () => {
  const net = fakeNet();
  net.up.websocket = "hang";
  net.link.start();
  await net.clock.advance(1_000);
  net.say("meanwhile");
  await net.clock.advance(2_500);
  assert.deepEqual(net.texts(), ["meanwhile"]);
  net.say("still");
  await net.clock.advance(2_100);
  assert.deepEqual(net.texts(), ["meanwhile", "still"]);
  await net.clock.advance(2_000);
  assert.equal(net.link.state(), "sse");
});

test("a WebSocket that opens and dies at once is not tried again and again", async () => {
  const net = await started();
  for (let i = 0; i < 5; i += 1) {
    for (const stream of net.streams.filter(({ rung }) => rung === "websocket")) {
      stream.open = false;
      stream.events.close();
    }
    await net.clock.advance(2_000);
  }
  assert.ok(net.opened.filter(({ rung }) => rung === "websocket").length <= 3);
  assert.equal(net.link.state(), "sse");
});

test("where waiting requests are cut, the short poll takes over; the long one is tried again later", async () => {
  const net = fakeNet();
  net.up.websocket = net.up.sse = false;
  net.cutsWaits = true;
  net.link.start();
  await net.clock.advance(4_000);
  assert.equal(net.link.state(), "polling");
  assert.ok(!net.states.includes("offline"), "it never looked offline");
  net.up.websocket = net.up.sse = "hang";
  const before = net.fetches.length;
  await net.clock.advance(10_000);
  const polls = net.fetches.slice(before);
  assert.ok(polls.every(({ wait }) => wait === 0) && polls.length >= 4 && polls.length <= 6, `${polls.length} polls in ten seconds`);
  net.cutsWaits = false;
  await net.clock.advance(600_000);
  assert.equal(net.link.state(), "longpoll");
});

test("a server that lets no request wait is not asked without pause", async () => {
  const net = fakeNet();
  net.up.websocket = net.up.sse = false;
  net.waits = false;
  net.link.start();
  await net.clock.advance(20_000);
  assert.ok(net.fetches.length < 30, `${net.fetches.length} requests`);
});

test("the server goes and returns: offline, then live, with what was missed", async () => {
  const net = await started();
  net.setUp(false);
  net.cut();
  await net.clock.advance(20_000);
  assert.equal(net.link.state(), "offline");
  net.room.post(2, "said meanwhile");
  net.setUp(true);
  await net.clock.advance(60_000);
  assert.equal(net.link.state(), "live");
  assert.deepEqual(net.texts(), ["said meanwhile"]);
});

test("a herd does not come back in one moment, nor does one browser hammer", async () => {
  const returns = [];
  for (let seed = 1; seed <= 40; seed += 1) {
    const net = await started({ seed });
    await net.clock.advance(60_000);
    const before = net.opened.length;
    net.cut();
    await net.clock.advance(5_000);
    const again = net.opened.slice(before);
    assert.equal(again.length, 1);
    returns.push(again[0].at - (net.clock.now() - 5_000));
  }
  returns.sort((a, b) => a - b);
  assert.ok(returns.at(-1) - returns[0] > 1_000, "they are spread");
  for (let i = 0; i < returns.length - 8; i += 1) assert.ok(returns[i + 8] - returns[i] > 50, "no eight together");
});

test("back-off grows, has a ceiling and is jittered", () => {
  const random = seeded(7);
  const limits = { base: 1_000, cap: 30_000 };
  for (let attempt = 0; attempt < 40; attempt += 1) {
    const full = Math.min(30_000, 1_000 * 2 ** attempt);
    const some = Array.from({ length: 20 }, () => backoff(attempt, limits, random));
    assert.ok(some.every((ms) => ms >= full / 2 && ms <= full));
    assert.ok(new Set(some).size > 15);
  }
});

test("a server that is down is asked less and less", async () => {
  const net = await started();
  net.setUp(false);
  net.cut();
  await net.clock.advance(60_000);
  const before = net.fetches.length + net.tokens;
  await net.clock.advance(300_000);
  assert.ok(net.fetches.length + net.tokens - before < 60, `${net.fetches.length + net.tokens - before} requests in five minutes`);
});

test("a tab that was frozen for hours catches up when it wakes", async () => {
  const net = await started();
  net.streams[0].silent = true;
  net.clock.sleep(3 * 3_600_000);
  net.room.post(2, "hours ago");
  net.link.wake();
  assert.equal(net.streams.length, 0, "the silent stream is given up at once");
  await net.clock.advance(2_000);
  assert.deepEqual(net.texts(), ["hours ago"]);
  assert.equal(net.opened.length, 2);
  assert.equal(net.link.state(), "live");
});

test("waking fetches at once on every rung", async () => {
  for (const broken of [{}, { websocket: false }, { websocket: false, sse: false }]) {
    const net = fakeNet();
    Object.assign(net.up, broken);
    net.link.start();
    await net.clock.advance(500);
    const before = net.fetches.length;
    net.link.wake();
    await net.clock.advance(5);
    assert.ok(net.fetches.length > before);
  }
});

test("hidden tabs poll less", async () => {
  const net = await started({ token: { mode: "polling", hub_url: null, topics: [] } });
  net.hidden = true;
  await net.clock.advance(5_000);
  const before = net.fetches.length;
  await net.clock.advance(60_000);
  assert.ok(net.fetches.length - before <= 5, `${net.fetches.length - before} polls in a minute`);
});

test("mode polling: no stream is opened, and the poll comes every two seconds", async () => {
  const net = await started({ token: { mode: "polling", hub_url: null, topics: [] } });
  assert.equal(net.link.state(), "polling");
  net.say("one");
  await net.clock.advance(2_300);
  assert.deepEqual(net.texts(), ["one"]);
  await net.clock.advance(600_000);
  assert.equal(net.opened.length, 0);
});

test("mode mercure: push only; without it the page is offline, tries again, and fetches when it is back", async () => {
  const net = await started({ token: { mode: "mercure" } });
  assert.equal(net.link.state(), "live");
  await net.clock.advance(60_000);
  const before = net.fetches.length;
  net.up.websocket = net.up.sse = false;
  net.cut();
  net.room.post(2, "missed");
  await net.clock.advance(20_000);
  assert.equal(net.link.state(), "offline");
  assert.equal(net.fetches.length, before);
  net.up.sse = true;
  await net.clock.advance(60_000);
  assert.equal(net.link.state(), "sse");
  assert.deepEqual(net.texts(), ["missed"]);
});

test("an external hub: no WebSocket, no heartbeat, a fetch every twenty seconds", async () => {
  const net = await started({ token: { websocket: false } });
  assert.equal(net.link.state(), "sse");
  net.say("lost", { lost: true });
  await net.clock.advance(19_000);
  assert.deepEqual(net.texts(), []);
  await net.clock.advance(1_500);
  assert.deepEqual(net.texts(), ["lost"]);
  await net.clock.advance(120_000);
  assert.equal(net.opened.length, 1);
});

test("the token is renewed before it ends, and no moment is without a stream", async () => {
  const net = await started({ token: { lives: 60_000 } });
  for (let second = 0; second < 300; second += 1) {
    await net.clock.advance(1_000);
    assert.ok(net.streams.length >= 1, `no stream at ${second} s`);
    net.say(`m${second}`);
  }
  assert.ok(net.opened.length >= 5 && net.opened.length <= 12, `${net.opened.length} streams in five minutes`);
  assert.equal(net.texts().length, 300);
  assert.equal(net.link.state(), "live");
});

test("a long token is not renewed by opening streams", async () => {
  const net = await started();
  await net.clock.advance(30 * 60_000);
  assert.equal(net.opened.length, 1);
  assert.ok(net.tokens <= 6);
});

const POLLING = { mode: "polling", hub_url: null, topics: [] };
const PUSHING = { mode: "hybrid", hub_url: "/.well-known/mercure", topics: ["chatroom/1", "user/1"] };

test("s7: who polls is told of another mode by the next answer, and has a stream within five seconds", async () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const net = await started({ seed, token: { ...POLLING } });
    await net.clock.advance(30_000);
    const [polls, tokens] = [net.fetches.length, net.tokens];
    net.switchTo(PUSHING);
    await net.clock.advance(5_000);
    assert.equal(net.link.state(), "live");
    assert.equal(net.tokens, tokens + 1, "asked once");
    assert.ok(net.fetches.length - polls <= 4, `${net.fetches.length - polls} polls until then`);
    net.switchTo(POLLING);
    net.cut();
    await net.clock.advance(5_000);
    assert.equal(net.link.state(), "polling");
  }
});

test("s7: who waits for an answer, or hears another hub, follows another mode within five seconds", async () => {
  const waiting = await started({ token: {} });
  Object.assign(waiting.up, { websocket: false, sse: false });
  waiting.cut();
  await waiting.clock.advance(60_000);
  assert.equal(waiting.link.state(), "longpoll");
  waiting.switchTo(POLLING);
  await waiting.clock.advance(5_000);
  assert.equal(waiting.link.state(), "polling");

  const outside = await started({ token: { websocket: false } });
  await outside.clock.advance(1_000);
  outside.switchTo(POLLING, { tells: true });
  await outside.clock.advance(5_000);
  assert.equal(outside.link.state(), "polling");
  assert.equal(outside.streams.length, 0);
});

test("another mode reaches an open page", async () => {
  const net = await started();
  net.token = { ...net.token, mode: "polling", hub_url: null, topics: [] };
  await net.clock.advance(11 * 60_000);
  assert.equal(net.link.state(), "polling");
  assert.equal(net.streams.length, 0);
  net.token = { ...net.token, mode: "hybrid", hub_url: "/.well-known/mercure", topics: ["chatroom/1"] };
  await net.clock.advance(90_000);
  assert.equal(net.link.state(), "live");
});

test("a server that closes the streams to change the mode is followed at once", async () => {
  const net = await started();
  await net.clock.advance(30_000);
  net.token = { ...net.token, mode: "polling", hub_url: null, topics: [] };
  net.cut();
  await net.clock.advance(5_000);
  assert.equal(net.link.state(), "polling");
});

test("new topics open a new stream", async () => {
  const net = await started();
  net.token = { ...net.token, topics: [...net.token.topics, "chatroom/2"] };
  net.link.refresh();
  await net.clock.advance(1_000);
  assert.equal(net.opened.length, 2);
  assert.equal(net.streams.length, 1);
});

test("signed out: said, and nothing is asked any more", async () => {
  const net = await started();
  net.signedIn = false;
  net.cut();
  await net.clock.advance(5_000);
  assert.equal(net.link.state(), "signed-out");
  const before = net.fetches.length + net.tokens;
  net.link.wake();
  await net.clock.advance(600_000);
  assert.equal(net.fetches.length + net.tokens, before);
  assert.equal(net.clock.pending(), 0);
});

test("removed from the room: said, and the stream is closed", async () => {
  const net = await started();
  net.member = false;
  net.link.need("now");
  await net.clock.advance(100);
  assert.equal(net.link.state(), "removed");
  assert.equal(net.streams.length, 0);
});

test("the browser says offline, then online", async () => {
  const net = await started();
  net.link.offline();
  assert.equal(net.link.state(), "offline");
  net.link.wake();
  await net.clock.advance(100);
  assert.equal(net.link.state(), "live");
});
