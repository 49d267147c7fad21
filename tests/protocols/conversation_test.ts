/** Clients that go on talking: each answer comes before the next question, over a pipe that stays open. */

import assert from "node:assert/strict";
import { type ClientMachine, makeClientMachine } from "../support/clients.ts";

const RULES = `[helper.summon]
allow = ["global/*"]
[[helper.cargo.map]]
match = "sparse+https://index.example.org/"
ref = "global/one"
`;

/** Writes a line and waits for one, for each of them; then closes the pipe. */
async function converse(
  { machine }: ClientMachine,
  args: readonly string[],
  questions: readonly string[],
): Promise<{ readonly answers: readonly string[]; readonly status: number; readonly err: string }> {
  const child = await machine.spawn(["helper", ...args], { stdin: "" });
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const writer = child.stdin.getWriter();
  const answers: string[] = [];
  let held = "";
  for (const question of questions) {
    await writer.write(new TextEncoder().encode(`${question}\n`));
    while (!held.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) break;
      held += value;
    }
    const [line = "", ...rest] = held.split("\n");
    answers.push(line);
    held = rest.join("\n");
  }
  await writer.close().catch(() => {}); // gone already
  const [{ code }, err] = await Promise.all([child.status, new Response(child.stderr).text()]);
  await reader.cancel();
  return { answers, status: code, err };
}

async function filled(): Promise<ClientMachine> {
  const client = makeClientMachine(RULES);
  await client.store("global/one", "first");
  await client.store("global/two", "a\nb");
  return client;
}

Deno.test("summon gets each value before it asks for the next, and none after one that is missing", async () => {
  using client = await filled();
  const all = await converse(client, ["summon"], ["global/one", "global/two", "global/one"]);
  assert.deepEqual(all, { answers: ["Zmlyc3Q=", "YQpi", "Zmlyc3Q="], status: 0, err: "" });
  const some = await converse(client, ["summon"], ["global/one", "global/none"]);
  assert.deepEqual(some.answers, ["Zmlyc3Q=", ""]);
  assert.equal(some.status, 8);
  assert.match(some.err, /^palyra: Cannot give a credential: [^\n]+\n$/);
});

Deno.test("cargo is greeted before it asks, and answered each time", async () => {
  using client = await filled();
  const get = (url: string): string =>
    JSON.stringify({ v: 1, registry: { "index-url": url }, kind: "get", operation: "read" });
  const index = "sparse+https://index.example.org/";
  const { answers, status } = await converse(
    client,
    ["cargo", "--", "--cargo-plugin"],
    [get(index), get("sparse+https://evil.org/"), get(index)],
  );
  assert.equal(status, 0);
  const [hello, first, second] = answers;
  assert.equal(hello, '{"v":[1]}');
  assert.match(first!, /"token":"first"/);
  assert.equal(second, '{"Err":{"kind":"not-found"}}');
});
