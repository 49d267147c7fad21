/** A person between the devices alters every member of every document: each is refused, and nothing is kept. */

import assert from "node:assert/strict";
import {
  accept,
  answer,
  ask,
  askAgain,
  codeOf,
  complete,
  decideOn,
  file,
  makeSides,
  outcomeOf,
  pair,
  pass,
  type Side,
  stateOf,
} from "../../support/pairing_sides.ts";

type Json = Record<string, unknown>;

/** A document on its way, and the one who gets it. */
interface Step {
  readonly name: string;
  readonly document: string;
  readonly receiver: Side;
  receive(document: string | Uint8Array): Promise<unknown>;
}

const REFUSALS = ["usage", "denied", "not_found", "precondition", "integrity"];
const DAY_MS = 86_400_000;

Deno.test("A pairing request that was altered in any member is refused, and nothing is filed", async () => {
  using sides = await makeSides(2);
  const [approver, joiner] = sides.all as [Side, Side];
  const document = await ask(joiner, await codeOf(approver));
  const receive = (text: string | Uint8Array): Promise<unknown> => file(approver, text);
  await tryAll({ name: "request", document, receiver: approver, receive });
  assert.equal((await file(approver, document)).state, "pending");
  await tryAll({ name: "request that was filed", document, receiver: approver, receive });
});

Deno.test("A decision that was altered in any member is refused, and nothing is trusted", async () => {
  using sides = await makeSides(2);
  const [approver, joiner] = sides.all as [Side, Side];
  const request = await ask(joiner, await codeOf(approver));
  const { requestId } = await file(approver, request);
  const document = await decideOn(approver, requestId, "approved", "welcome");
  const receive = (text: string | Uint8Array): Promise<unknown> => complete(joiner, text);
  await tryAll({ name: "decision", document, receiver: joiner, receive });
  assert.equal((await complete(joiner, document)).changed, true);
  // What was completed is told again only for what the approver has signed; the key of the MAC is gone.
  await tryAll({ name: "decision again", document, receiver: joiner, receive }, [
    "mac",
    "ca_certificate",
  ]);
  assert.equal((await complete(joiner, document)).changed, false);
});

Deno.test("A rejection that was altered in any member is refused, and the request goes on waiting", async () => {
  using sides = await makeSides(2);
  const [approver, joiner] = sides.all as [Side, Side];
  const request = await ask(joiner, await codeOf(approver));
  const { requestId } = await file(approver, request);
  const document = await decideOn(approver, requestId, "rejected", "unknown device");
  const receive = (text: string | Uint8Array): Promise<unknown> => complete(joiner, text);
  await tryAll({ name: "rejection", document, receiver: joiner, receive });
  assert.equal((await complete(joiner, document)).membership, undefined);
});

Deno.test("A renewal request and its answer that were altered in any member are refused", async () => {
  using sides = await makeSides(2);
  const [approver, joiner] = sides.all as [Side, Side];
  await pair(approver, joiner);
  pass(5 * DAY_MS, approver, joiner);
  const request = await askAgain(joiner, approver);
  await tryAll({
    name: "renewal request",
    document: request,
    receiver: approver,
    receive: (text) => answer(approver, text),
  });
  const document = await answer(approver, request);
  const receive = (text: string | Uint8Array): Promise<unknown> => accept(joiner, text);
  await tryAll({ name: "renewal answer", document, receiver: joiner, receive });
  assert.equal(await accept(joiner, document), true);
  await tryAll({ name: "renewal answer again", document, receiver: joiner, receive });
  assert.equal(await accept(joiner, document), false);
});

/** Gives every altered form to the receiver; `free` members prove nothing any more. */
async function tryAll(step: Step, free: readonly string[] = []): Promise<void> {
  const original = JSON.parse(step.document) as Json;
  const before = stateOf(step.receiver);
  let tried = 0;
  for (const [what, text] of alterations(original, step.document)) {
    if (free.some((name) => what.startsWith(`${name} as`))) continue;
    const outcome = await outcomeOf(() => step.receive(text));
    const where = `${step.name}, ${what}`;
    assert.ok(REFUSALS.includes(outcome), `${where}: ${outcome}`);
    assert.equal(stateOf(step.receiver), before, `${where}: something was kept`);
    tried++;
  }
  assert.ok(tried > 100, `only ${tried} alterations of ${step.name}`);
}

function* alterations(original: Json, text: string): Generator<[string, string | Uint8Array]> {
  for (const [name, value] of Object.entries(original)) {
    const { [name]: _, ...without } = original;
    yield [`${name} removed`, JSON.stringify(without)];
    yield [`${name} renamed`, JSON.stringify({ ...without, [`${name}_`]: value })];
    yield [
      `${name} twice`,
      text.replace(/\}\s*$/, `,${JSON.stringify(name)}:${JSON.stringify(value)}}`),
    ];
    yield [`another ${name} first`, text.replace("{", `{${JSON.stringify(name)}:"x",`)];
    for (const other of others(value)) {
      if (JSON.stringify(other) === JSON.stringify(value)) continue;
      yield [
        `${name} as ${JSON.stringify(other).slice(0, 60)}`,
        JSON.stringify({ ...original, [name]: other }),
      ];
    }
  }
  yield ["another member", JSON.stringify({ ...original, more: 1 })];
  yield ["__proto__", text.replace("{", '{"__proto__":{},')];
  yield* forms(text);
}

/** Other values of a member: of its type and of others, shorter and longer. */
function others(value: unknown): unknown[] {
  const types = [
    null,
    true,
    0,
    -1,
    1.5,
    1e300,
    "",
    [],
    {},
    [value],
    { value },
    String(value) + "\u0000",
  ];
  if (typeof value === "number") return [...types, value + 1, value - 1, value * 2, String(value)];
  if (Array.isArray(value)) {
    return [...types, [...value, ...value], ["serverAuth"], ["clientAuth", "serverAuth"], [null]];
  }
  const text = String(value);
  const last = text.at(-1) === "A" ? "B" : "A";
  return [
    ...types,
    text.slice(1),
    text.slice(0, -1),
    `${text}A`,
    ` ${text}`,
    `${text}=`,
    text.toUpperCase(),
    text.toLowerCase(),
    flip(text, 0),
    flip(text, Math.floor(text.length / 2)),
    text.slice(0, -1) + last,
    text.repeat(3),
    "A".repeat(text.length),
    "0".repeat(text.length),
    "x".repeat(20_000),
  ];
}

function flip(text: string, at: number): string {
  const character = text[at] ?? "";
  const other = /[0-9]/.test(character)
    ? (character === "1" ? "2" : "1")
    : character === "a"
    ? "b"
    : "a";
  return text.slice(0, at) + other + text.slice(at + 1);
}

/** The document in forms that are none. */
function* forms(text: string): Generator<[string, string | Uint8Array]> {
  const encode = (string: string): Uint8Array => new TextEncoder().encode(string);
  yield ["nothing", ""];
  yield ["a mark of its order", `\ufeff${text}`];
  yield ["NUL behind it", `${text}\u0000`];
  yield ["NUL before it", `\u0000${text}`];
  yield ["UTF-16", new Uint8Array(new Uint16Array([...text].map((c) => c.charCodeAt(0))).buffer)];
  yield ["no UTF-8", new Uint8Array([...encode(text), 0xff])];
  yield ["a list of it", `[${text}]`];
  yield ["two of it", text + text];
  yield ["cut", text.slice(0, -2)];
  yield ["as text", JSON.stringify(text)];
  yield ["nested deeply", "[".repeat(60_000)];
  yield [
    "members nested deeply",
    text.replace("{", `{"a":${"[".repeat(20_000)}${"]".repeat(20_000)},`),
  ];
  yield ["too long", text + " ".repeat(65_536)];
  yield ["10 MB", text.replace("{", `{"x":"${"x".repeat(10_000_000)}",`)];
  yield ["null", "null"];
  yield ["a comment", `${text}//`];
  yield ["a comma", text.replace(/\}\s*$/, ",}")];
  yield ["version 2", text.replace('"version":1', '"version":2')];
  yield ["version 1 as text", text.replace('"version":1', '"version":"1"')];
  yield ["upper-case kind", text.replace("palyra.", "PALYRA.")];
}
