/** Views and errors as they are printed; nothing foreign is ever quoted. */

import assert from "node:assert/strict";
import { EXIT_STATUSES, exitStatusOf, OTHER_STATUSES } from "../../src/cli/exit_status.ts";
import { printError, printView } from "../../src/cli/output.ts";
import type { View } from "../../src/cli/view.ts";
import { PalyraError } from "../../src/errors.ts";
import { denoPlatform } from "../../src/platform/deno/platform.ts";
import type { Platform } from "../../src/platform/platform.ts";
import { bytes } from "../support/vaults.ts";

function recorder(terminal = false): { platform: Platform; out: () => string; err: () => string } {
  const written = { out: "", err: "" };
  const platform: Platform = {
    ...denoPlatform,
    terminal: { ...denoPlatform.terminal, outputIsTerminal: () => terminal },
    streams: {
      filterInput: denoPlatform.streams.filterInput,
      readSome: () => Promise.resolve(undefined),
      readInput: denoPlatform.streams.readInput,
      writeOutput: (chunk) =>
        Promise.resolve(void (written.out += new TextDecoder().decode(chunk))),
      writeError: (text) => void (written.err += text),
    },
  };
  return { platform, out: () => written.out, err: () => written.err };
}

Deno.test("printView() prints lists as text, as one object, and as one item a line", async () => {
  const view: View = {
    kind: "list",
    field: "things",
    rest: { of: "x" },
    items: [{ a: 1 }, { a: 2 }],
    text: "1\n2",
  };
  const expected = {
    text: "1\n2\n",
    json: '{"schema_version":1,"of":"x","things":[{"a":1},{"a":2}]}\n',
    ndjson: '{"schema_version":1,"a":1}\n{"schema_version":1,"a":2}\n',
  } as const;
  for (const format of ["text", "json", "ndjson"] as const) {
    const { platform, out } = recorder();
    await printView(platform, view, format);
    assert.equal(out(), expected[format]);
  }
  const { platform, out } = recorder();
  await printView(platform, { ...view, items: [], text: "" }, "text");
  assert.equal(out(), "");
});

Deno.test("printView() adds a newline to bytes on a terminal only, and wipes them", async () => {
  for (const [terminal, wanted] of [[false, true], [true, true], [true, false]] as const) {
    const value = bytes("value");
    const { platform, out } = recorder(terminal);
    const dispose = (): void => value[Symbol.dispose]();
    const view = {
      kind: "bytes",
      bytes: value,
      newlineOnTerminal: wanted,
      [Symbol.dispose]: dispose,
    } as const;
    await printView(platform, view, "text");
    assert.equal(out(), terminal && wanted ? "value\n" : "value");
    assert.ok(value.reveal().every((byte) => byte === 0));
  }
});

Deno.test("printError() prints line, hint and object", () => {
  const { platform, err } = recorder();
  const error = new PalyraError("denied", "Cannot do it: no", { hint: "Ask", details: { n: 1 } });
  printError(platform, error, "json");
  const [line, hint, json] = err().split("\n");
  assert.equal(line, "palyra: Cannot do it: no");
  assert.equal(hint, "hint: Ask");
  assert.deepEqual(JSON.parse(json!), {
    schema_version: 1,
    error: { code: "denied", message: "Cannot do it: no", hint: "Ask", details: { n: 1 } },
  });
});

Deno.test("an unforeseen error is told without its message, which may quote a secret", () => {
  const thrown = [
    new Error("canary-77 was unexpected"),
    new TypeError("multi\n    at canary-77 (file:1:2)\nline"),
    "canary-77",
    { canary: "canary-77" },
  ];
  try {
    JSON.parse("canary-77");
  } catch (error) {
    thrown.push(error as Error);
  }
  for (const error of thrown) {
    const { platform, err } = recorder();
    printError(platform, error, "json");
    assert.ok(!err().includes("canary-77"), err());
    assert.match(err(), /Internal error/);
    assert.match(err(), /report/);
    assert.equal(exitStatusOf(error), 1);
  }
});

Deno.test("exit statuses are the frozen table", () => {
  const table = Object.entries(EXIT_STATUSES).map(([code, { status }]) => `${status} ${code}`);
  assert.deepEqual(table, [
    "1 internal",
    "2 usage",
    "3 auth",
    "4 connectivity",
    "5 unavailable",
    "6 denied",
    "7 precondition",
    "8 not_found",
    "9 integrity",
    "10 findings",
    "11 not_due",
    "12 would_prompt",
  ]);
  assert.deepEqual(OTHER_STATUSES.map(({ status }) => status), [0, 125, 126, 127, 128, 141]);
});
