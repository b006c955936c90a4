/** Voices without a page: the waveform, listening to one at a time, and a recording from its question to its end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createPlayback, SPEEDS } from "../../public/voice/playback.js";
import { createRecording, pickType, troubleOf, TYPES } from "../../public/voice/recording.js";
import { clockText, drawPeaks, foldLevels, readPeaks } from "../../public/voice/waveform.js";

test("a waveform is read and drawn, as far as it was heard", () => {
  assert.deepEqual(readPeaks("00ff80"), [0, 1, 128 / 255]);
  assert.deepEqual(readPeaks(""), []);
  assert.deepEqual(readPeaks("zz"), []);
  const peaks = readPeaks("00ff".repeat(32));
  assert.equal(drawPeaks(peaks).split("M").length - 1, 64);
  assert.equal(drawPeaks(peaks, 10).split("M").length - 1, 10);
  assert.ok(drawPeaks(peaks).startsWith("M1 15v2M3 1v30"), "silence is a dot, the loudest is the whole height");
  assert.equal(drawPeaks([]), "");
});

test("times are shown as clocks do", () => {
  assert.deepEqual([0, 0.9, 59.99, 60, 61, 600, 3_600, -1].map(clockText), ["0:00", "0:00", "0:59", "1:00", "1:01", "10:00", "60:00", "0:00"]);
});

test("levels are folded to what is drawn, the loudest of each part", () => {
  assert.deepEqual(foldLevels([0.1, 0.9, 0.2, 0.3], 2), [0.9, 0.3]);
  assert.deepEqual(foldLevels([0.5], 3), [0.5, 0, 0]);
  assert.equal(foldLevels(Array.from({ length: 3_000 }, (_, at) => at), 64).at(-1), 2_999);
});

/** An audio element that plays when it is told to. */
function fakeSound() {
  const heard = new Map();
  const sound = {
    src: "", currentTime: 0, duration: Infinity, playbackRate: 1, paused: true, ended: false, refuses: null,
    addEventListener: (type, run) => heard.set(type, run),
    emit: (type) => heard.get(type)?.(),
    async play() {
      if (sound.refuses) throw sound.refuses;
      sound.paused = false;
      sound.ended = false;
      sound.emit("loadedmetadata");
      sound.emit("play");
    },
    pause() {
      if (sound.paused) return;
      sound.paused = true;
      sound.emit("pause");
    },
    goTo(at) {
      sound.currentTime = at;
      sound.emit("timeupdate");
    },
    end() {
      sound.ended = true;
      sound.paused = true;
      sound.emit("ended");
    },
  };
  return sound;
}

function listen(options = {}) {
  const sound = fakeSound();
  const changes = [];
  const speeds = [];
  const playback = createPlayback({ sound, onChange: (key) => changes.push(key), onSpeed: (speed) => speeds.push(speed), ...options });
  return { sound, changes, speeds, playback };
}

test("one voice is heard at a time, and each keeps its place", async () => {
  const { sound, playback } = listen();
  await playback.toggle("1", "/attachment/1", 10);
  sound.goTo(4);
  assert.deepEqual(playback.of("1"), { playing: true, at: 4, waiting: false, failed: false });
  await playback.toggle("2", "/attachment/2", 20);
  assert.equal(sound.src, "/attachment/2");
  assert.deepEqual([playback.of("1").playing, playback.of("2").playing], [false, true]);
  assert.equal(playback.of("1").at, 4);
  sound.currentTime = 0;
  await playback.toggle("1", "/attachment/1", 10);
  assert.equal(sound.currentTime, 4, "it goes on where it was left");
  await playback.toggle("1", "/attachment/1", 10);
  assert.equal(playback.of("1").playing, false, "the second press pauses");
  await playback.toggle("1", "/attachment/1", 10);
  sound.end();
  assert.deepEqual(playback.of("1"), { playing: false, at: 0, waiting: false, failed: false });
});

test("a place may be chosen before, while and after it plays", async () => {
  const { sound, playback, changes } = listen();
  playback.seek("1", 7);
  assert.deepEqual([playback.of("1").at, sound.src, changes], [7, "", ["1"]], "nothing is fetched for that");
  await playback.toggle("1", "/attachment/1", 10);
  assert.equal(sound.currentTime, 7);
  playback.seek("1", 2);
  assert.equal(sound.currentTime, 2);
  playback.seek("1", -5);
  assert.equal(sound.currentTime, 0);
});

test("the speed is everybody's and comes round again", async () => {
  const { sound, playback, speeds } = listen({ speed: 1.5 });
  await playback.toggle("1", "/attachment/1", 10);
  assert.equal(sound.playbackRate, 1.5);
  playback.faster();
  assert.equal(sound.playbackRate, 2);
  playback.faster();
  assert.deepEqual([playback.speed(), speeds], [1, [2, 1]]);
  assert.deepEqual(SPEEDS, [1, 1.5, 2]);
});

test("what cannot be played says so, and may be tried again", async () => {
  const { sound, playback } = listen();
  sound.refuses = Object.assign(new Error("no"), { name: "NotSupportedError" });
  await playback.toggle("1", "/attachment/1", 10);
  assert.equal(playback.of("1").failed, true);
  sound.refuses = null;
  await playback.toggle("1", "/attachment/1", 10);
  assert.deepEqual(playback.of("1"), { playing: true, at: 0, waiting: false, failed: false });
  sound.pause();
  sound.refuses = Object.assign(new Error("paused at once"), { name: "AbortError" });
  await playback.toggle("1", "/attachment/1", 10);
  assert.equal(playback.of("1").failed, false);
});

function fakeMicrophone({ longest = 60_000 } = {}) {
  const it = { time: 0, states: [], troubles: [], tracks: 0, timers: new Map(), recorder: null, answer: null, ended: null };
  let next = 0;
  const recording = createRecording({
    ask: () => new Promise((resolve, reject) => {
      it.answer = {
        yes() {
          it.tracks += 1;
          resolve({ getTracks: () => [{ stop: () => (it.tracks -= 1), addEventListener: (_type, heard) => (it.ended = heard) }] });
          return new Promise((done) => setImmediate(done));
        },
        no(name) {
          reject(Object.assign(new Error(name), { name }));
          return new Promise((done) => setImmediate(done));
        },
      };
    }),
    record() {
      const heard = new Map();
      const recorder = {
        mimeType: "audio/webm;codecs=opus", state: "inactive", data: "sound",
        addEventListener: (type, run) => heard.set(type, run),
        start: () => (recorder.state = "recording"),
        pause: () => (recorder.state = "paused"),
        resume: () => (recorder.state = "recording"),
        stop() {
          recorder.state = "inactive";
          heard.get("dataavailable")({ data: new Blob([recorder.data]) });
          heard.get("stop")({});
        },
      };
      it.recorder = recorder;
      return recorder;
    },
    now: () => it.time,
    after(ms, run) {
      const id = (next += 1);
      it.timers.set(id, { at: it.time + ms, run });
      return () => it.timers.delete(id);
    },
    longest,
    onChange: (state) => it.states.push(state),
    onTrouble: (trouble) => it.troubles.push(trouble),
  });
  it.pass = (ms) => {
    it.time += ms;
    for (const [id, timer] of it.timers) {
      if (timer.at > it.time) continue;
      it.timers.delete(id);
      timer.run();
    }
  };
  return { it, recording };
}

test("a recording is paused, resumed, ended and ready, and lets the microphone go", async () => {
  const { it, recording } = fakeMicrophone();
  void recording.start();
  await it.answer.yes();
  it.pass(2_000);
  recording.pause();
  it.pass(60_000);
  assert.equal(recording.elapsed(), 2_000, "a pause takes no time");
  recording.resume();
  it.pass(1_000);
  recording.stop();
  assert.deepEqual(it.states, ["asking", "recording", "paused", "recording", "ending", "ready"]);
  const { blob, type, duration } = recording.recorded();
  assert.deepEqual([await blob.text(), type, duration], ["sound", "audio/webm;codecs=opus", 3_000]);
  assert.equal(it.tracks, 0);
  recording.discard();
  assert.deepEqual([recording.state(), recording.recorded()], ["idle", null]);
});

test("it ends by itself at the limit, pauses not counted", async () => {
  const { it, recording } = fakeMicrophone({ longest: 5_000 });
  void recording.start();
  await it.answer.yes();
  it.pass(3_000);
  recording.pause();
  it.pass(60_000);
  recording.resume();
  it.pass(1_999);
  assert.equal(recording.state(), "recording");
  it.pass(1);
  assert.deepEqual([recording.state(), recording.recorded().duration], ["ready", 5_000]);
});

test("a refusal is told in words, and one may ask again", async () => {
  const { it, recording } = fakeMicrophone();
  void recording.start();
  await it.answer.no("NotAllowedError");
  assert.deepEqual([it.states, it.troubles], [["asking", "idle"], ["denied"]]);
  void recording.start();
  await it.answer.no("NotFoundError");
  assert.deepEqual(it.troubles, ["denied", "no-microphone"]);
  assert.equal(troubleOf(new TypeError("x")), "failed");
});

test("an answer that comes after it was given up opens no microphone", async () => {
  const { it, recording } = fakeMicrophone();
  void recording.start();
  recording.discard();
  await it.answer.yes();
  assert.deepEqual([it.states, it.tracks, it.recorder], [["asking", "idle"], 0, null]);
});

test("thrown away while it runs, nothing of it comes back", async () => {
  const { it, recording } = fakeMicrophone();
  void recording.start();
  await it.answer.yes();
  it.pass(1_000);
  recording.discard();
  assert.deepEqual([it.states.at(-1), recording.recorded(), it.tracks, it.timers.size], ["idle", null, 0, 0]);
});

test("a slip of the finger is no message; a microphone that is taken away leaves what there is", async () => {
  const { it, recording } = fakeMicrophone();
  void recording.start();
  await it.answer.yes();
  it.pass(100);
  recording.stop();
  assert.deepEqual([recording.state(), it.troubles], ["idle", ["empty"]]);
  void recording.start();
  await it.answer.yes();
  it.pass(4_000);
  it.ended();
  assert.deepEqual([recording.state(), recording.recorded().duration], ["ready", 4_000]);
});

test("the first type that the browser records is taken", () => {
  assert.equal(pickType(() => true), "audio/webm;codecs=opus");
  assert.equal(pickType((type) => type.startsWith("audio/mp4")), "audio/mp4;codecs=opus");
  assert.equal(pickType((type) => type === "audio/mp4"), "audio/mp4");
  assert.equal(pickType(() => false), null);
  assert.equal(TYPES.length, 4);
});
