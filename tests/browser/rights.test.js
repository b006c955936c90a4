import assert from "node:assert/strict";
import { test } from "node:test";
import { startTown } from "./support/town.js";
import { becomes, until } from "./support/until.js";

const NASTY = `<script>alert(1)</script><img src=x onerror=alert(2)>"'><svg onload=alert(3)>`;

test("who is removed is told in words, cannot write on, and hears nothing more", async (t) => {
  const town = await startTown(t, { relay: true });
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben", { locale: "fr-FR" })];
  const goal = await town.goal([ada, ben]);
  const other = await town.goal([ada, ben], "Another goal");
  const [hers, his] = [await ada.room(goal.room), await ben.room(goal.room)];
  await his.link("live");
  await his.field.fill("What I wanted to say");
  await ada.post(`/goal/${goal.id}/participation/${ben.id}/remove`);
  await his.link("removed");
  assert.equal(await his.words(), "Vous n’avez plus accès à cette conversation.");
  await his.field.waitFor({ state: "hidden" });
  await ben.page.locator(".read-only.is-removed", { hasText: "Vous n’avez plus accès" }).waitFor();
  await hers.page.locator("#members .person", { hasText: "Ben" }).waitFor({ state: "detached" });
  await ada.says(goal.room, "Now that he is gone");
  await hers.shows(["Now that he is gone"]);
  assert.deepEqual(await his.texts(), []);
  await until("only her stream is left", () => town.relay.count("websocket") + town.relay.count("sse") === 1);

  assert.equal((await ben.page.goto(`/message/chatroom/${goal.room}`))?.status(), 404);
  const elsewhere = await ben.room(other.room);
  await elsewhere.link("live");
  assert.equal(await ben.page.locator(`[data-room-link="${goal.room}"]`).count(), 0);
});

test("who is let in, asked for or removed sees it in the other rooms without a reload", async (t) => {
  const town = await startTown(t);
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const one = await town.goal([ada, ben], "The first goal");
  const his = await ben.room(one.room);
  await his.link("live");
  const { goal } = await ada.post("/goal/new", { title: "The second goal" });
  await ben.post(`/goal/${goal.id}/join`);
  await ada.post(`/goal/${goal.id}/participation/${ben.id}/approve`);
  const link = ben.page.locator(`[data-room-link="${goal.chatroom_id}"]`);
  await link.waitFor();
  await ada.says(goal.chatroom_id, "Welcome to the second");
  await becomes(() => link.locator(".unread").textContent(), "1");
  await ada.post(`/goal/${goal.id}/participation/${ben.id}/remove`);
  await link.waitFor({ state: "detached" });

  await ada.post(`/goal/${one.id}/participation/${ben.id}/role`, { role: "admin" });
  await ben.page.locator("#messages[data-my-role=admin]").waitFor({ state: "attached" });
  await ada.says(one.room, "Delete me if you may");
  await his.act("Delete me if you may", "delete");
  await ben.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await ben.page.locator(".message[data-deleted]").waitFor();
  const caro = await town.person("Caro");
  await caro.post(`/goal/${one.id}/join`);
  await ben.page.locator("#requests .person", { hasText: "Caro" }).waitFor();
});

test("another's message offers what the reader may do, and no more", async (t) => {
  const town = await startTown(t);
  const [ada, ben] = [await town.person("Ada"), await town.person("Ben")];
  const { room } = await town.goal([ada, ben]);
  await ada.says(room, "Written by the owner");
  await ben.says(room, "Written by the member");
  const offers = (/** @type {import("./support/room.js").Room} */ who, /** @type {string} */ text) => who.entry(text).evaluate((line) => [...line.querySelectorAll("[data-action]")]
    .filter((tool) => getComputedStyle(tool).display !== "none" && !tool.hasAttribute("hidden")).map((tool) => tool.getAttribute("data-action")));
  const [hers, his] = [await ada.room(room), await ben.room(room)];
  await his.shows(["Written by the owner", "Written by the member"]);
  assert.deepEqual(await offers(his, "the owner"), ["react-more", "reply", "copy-link", "forward", "hide", "unread"]);
  assert.deepEqual(await offers(his, "the member"), ["seen", "react-more", "reply", "edit", "copy-link", "forward", "hide", "delete"]);
  assert.deepEqual(await offers(hers, "the member"), ["react-more", "reply", "copy-link", "forward", "pin", "hide", "unread", "delete"]);
});

test("a session that ends is said in words, and nothing written is lost", async (t) => {
  const town = await startTown(t);
  const ada = await town.person("Ada");
  const { room } = await town.goal([ada]);
  const hers = await ada.room(room);
  await hers.link("live");
  await ada.page.evaluate(() => fetch("/logout", { method: "POST" }));
  await hers.field.fill("Written too late");
  await hers.field.press("Enter");
  await hers.link("signed-out");
  await ada.page.getByText("You are signed out. Your drafts are kept here.").waitFor();
  await hers.shows(["Written too late"]);
  await ada.page.locator(".banner.is-signed-out").getByRole("link", { name: "Sign in" }).click();
  await ada.page.getByLabel("Email address").fill(ada.email);
  await ada.page.getByLabel("Password").fill("a phrase of a few words");
  await ada.page.locator("form.form button[type=submit]").click();
  await hers.ready();
  await hers.shows(["Written too late"]);
  await hers.settled();
});

test("a message that is too long is refused with its text kept", async (t) => {
  const town = await startTown(t);
  const ada = await town.person("Ada");
  const { room } = await town.goal([ada]);
  const hers = await ada.room(room);
  const long = "a".repeat(10_001);
  await hers.field.fill(long);
  await ada.page.getByText("10,001 / 10,000").waitFor();
  await hers.field.press("Enter");
  await hers.error.getByText("10,000 characters at most.").waitFor();
  assert.equal(await hers.field.inputValue(), long);
  await hers.field.fill("🎉".repeat(10_000));
  await hers.field.press("Enter");
  await until("ten thousand characters are taken", async () => (await hers.texts()).length === 1);
  await hers.settled();
});

test("what people write never runs, wherever it is shown", async (t) => {
  const town = await startTown(t);
  const ada = await town.person("Ada<b>", { last: "<img src=x onerror=alert(4)>" });
  const ben = await town.person("Ben");
  const goal = await town.goal([ada, ben], `Title ${NASTY}`);
  const [hers, his] = [await ada.room(goal.room), await ben.room(goal.room)];
  await hers.send(NASTY);
  await hers.send("[a link](javascript:alert(5)) and <a href=\"javascript:alert(6)\">another</a> and ![a picture](x onerror=alert(7))");
  await hers.send("```\n</code></pre><script>alert(8)</script>\n```");
  await until("all have come", async () => (await his.texts()).length === 3);
  assert.equal((await his.texts())[0], NASTY);
  await his.act("<script>alert(1)", "reply");
  assert.match((await ben.page.locator("#composer-context").innerText()), /<img src=x onerror=alert\(4\)>/);
  await his.send(NASTY);
  await hers.entry("alert(1)").last().locator(".entry-quote").waitFor();
  const dangerous = () => document.querySelectorAll("#messages :is(script, img, iframe, object, [onerror], [onload], a[href^='javascript:'])").length;
  for (const { page } of [hers, his]) {
    assert.equal(await page.evaluate(dangerous), 0);
    await page.reload();
    await page.locator("#chatroom[data-ready=true]").waitFor({ state: "attached" });
    assert.equal(await page.evaluate(dangerous), 0);
  }
  for (const path of ["/goals", `/goal/${goal.id}`]) {
    await ben.page.goto(path);
    assert.equal(await ben.page.locator("main :is(script, img)").count(), 0);
    await ben.page.getByText("<script>alert(1)</script>").first().waitFor();
  }
});
