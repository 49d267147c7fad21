/** The QR code of a pairing code, read by a program that does not know palyra. */

import assert from "node:assert/strict";
import { makeMachine } from "../support/cli_run.ts";
import { ownWords } from "../support/cli_words.ts";
import { runProcess } from "../support/process.ts";
import { whyNoQrReader } from "../support/requirements.ts";
import { unlessSkipped } from "../support/skip.ts";
import { paint, readQrCodes, withoutColours } from "../support/terminal_picture.ts";

const withReader = unlessSkipped("no-qr-reader", whyNoQrReader());
const CODE = /^PALYRA1:[A-Z2-7]{80}$/;

/** The picture, and the code below it. */
function partsOf(stdout: string): { picture: string; code: string } {
  const lines = stdout.trimEnd().split(/\r?\n/);
  const code = lines.at(-1)!;
  assert.match(code, CODE);
  return { picture: lines.slice(0, -1).join("\n"), code };
}

async function assertReadable(stdout: string): Promise<void> {
  const { picture, code } = partsOf(stdout);
  for (const terminal of ["dark", "light"] as const) {
    assert.deepEqual(await readQrCodes(paint(picture, terminal)), [code], terminal);
  }
}

withReader(
  "the QR code says what the text below it says, on dark and light terminals",
  async () => {
    using machine = makeMachine();
    for (let round = 0; round < 3; round++) {
      await assertReadable((await machine.succeed(["pairing", "code", "--qr"])).stdout);
    }
  },
);

withReader("a terminal gets the QR code without asking, a pipe and JSON do not", async () => {
  using machine = makeMachine();
  const { words, env } = await ownWords();
  const onTerminal = async (...args: string[]): Promise<string> => {
    const command = [...words, "pairing", "code", "--quiet", ...args].map((word) => `'${word}'`)
      .join(" ");
    const { status, out, err } = await runProcess({
      argv: ["/usr/bin/script", "--quiet", "--return", "--command", command, "/dev/null"],
      env: { ...env, ...machine.env, TERM: "xterm", SHELL: "/bin/sh" },
      cwd: machine.home,
    });
    assert.equal(status, 0, out + err);
    return out;
  };
  await machine.succeed(["init"]);
  await assertReadable(await onTerminal());
  const json = await onTerminal("--json");
  assert.match(JSON.parse(json).code, CODE);
  assert.doesNotMatch(json, /[▀▄█]/);
  const piped = (await machine.succeed(["pairing", "code"])).stdout;
  assert.match(piped.trimEnd(), CODE);
});

withReader(
  "what cannot be read is told from what can: light on dark, or cut, is nothing",
  async () => {
    using machine = makeMachine();
    const { picture } = partsOf((await machine.succeed(["pairing", "code", "--qr"])).stdout);
    const uncoloured = withoutColours(picture);
    assert.deepEqual(await readQrCodes(paint(uncoloured, "dark")), [], "light on dark");
    const half = picture.split("\n").slice(0, 15).join("\n");
    assert.deepEqual(await readQrCodes(paint(half, "light")), []);
  },
);
