/** A conversation as people have it: what the pictures show and the eye can judge. */

/** @import { Person, Town } from "./town.js" */

const CODE = `I measured the façade, this gives the paint we need:

\`\`\`python
area = 14.5 * 6.2 - 8 * 1.9   # windows out
litres = area / 9 * 2         # two coats
print(round(litres), "litres of lime wash, and keep one tin for the next years")
\`\`\``;

const LIST = `So for Saturday:

1. Aminata brings the **ladders**
2. Jonas and Léa sand the shutters
3. I order the lime wash

We still need the \`key of the hall\`, and somebody who **cooks**.`;

/** @param {Town} town @param {import("playwright-core").BrowserContextOptions} [options] */
export async function playScene(town, options = {}) {
  const aminata = await town.person("Aminata", { last: "Diallo", ...options });
  const jonas = await town.person("Jonas", { last: "Weber", ...options });
  const lea = await town.person("Léa", { last: "Fontaine", ...options });
  const noor = await town.person("Noor", { last: "van der Heijden", ...options });
  const goal = await town.goal([aminata, jonas, lea], "Renovate the common room");
  const garden = await town.goal([jonas, aminata], "A garden for the school", "Vegetables for the kitchen, by May.");
  await town.goal([aminata], "Repair café, every first Saturday of the month in the old fire station", "Bring what is broken, take it home mended.");
  await town.goal([lea], "Night bus to the valley", "One bus after the last train, on Fridays and Saturdays.");
  await noor.post(`/goal/${goal.id}/join`);

  /** @param {Person} who @param {string} content @param {any} [to] the change of the message that is answered */
  const say = (who, content, to) => who.post(`/message/chatroom/${goal.room}`, { content, ...(to && { reply_to: String(to.message.id) }) });
  await say(aminata, "Good morning! The town has said **yes**: the common room is ours from Saturday on.");
  await say(jonas, "That is wonderful news 🎉");
  const question = await say(jonas, "What do we begin with, the roof or the façade?");
  await say(lea, "The façade, before the rain. The roof holds until spring, I was up there yesterday.", question);
  const plan = await say(lea, LIST);
  const time = await say(aminata, "I can be there at eigth");
  await aminata.post(`/message/${time.message.id}/edit`, { content: "I can be there at eight, with coffee." });
  await say(jonas, "I cook! Who eats no meat?", plan);
  await say(aminata, CODE);
  const gone = await say(jonas, "Sorry, wrong room");
  await jonas.post(`/message/${gone.message.id}/delete`);
  await say(jonas, "And here is how they did it two villages further: https://commonrooms.example/projects/2026/lime-wash-on-old-walls-what-we-learned-the-hard-way");
  await say(lea, "> keep one tin for the next years\n\nIn the cellar, it is the only dry place. *Do not dilute* is what is written on the last one, by the way.");
  await say(aminata, "| | morning | evening |\n|---|---|---|\n| Saturday | sanding | first coat |\n| Sunday | rest | second coat |");
  const thanks = await say(lea, "Thank you all. See you on Saturday!");
  await jonas.says(garden.room, "The seeds are here.");
  await jonas.says(garden.room, "Who has a wheelbarrow?");
  return { aminata, jonas, lea, noor, goal, garden, thanks };
}
