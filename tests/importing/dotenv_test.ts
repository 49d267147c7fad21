/** dotenv files as their readers read them: known answers, and the readers themselves. */

import assert from "node:assert/strict";
import type { Assignment } from "../../src/importing/assignment.ts";
import { type Dialect, DIALECTS, parseAgreed, parseDotenv } from "../../src/importing/dotenv.ts";
import { parseDocker } from "../../src/importing/docker_env.ts";
import { askOracle } from "../support/ask_oracle.ts";
import { type Dice, rollDice, say } from "../support/dice.ts";
import { dotenvLine } from "../support/dotenv_lines.ts";
import { assertFails } from "../support/failures.ts";
import { runProcess } from "../support/process.ts";
import { startFakeDaemon } from "../support/fake_docker_daemon.ts";
import { whyNoDocker, whyNoNode } from "../support/requirements.ts";
import { unlessSkipped } from "../support/skip.ts";

/** Lines, and what each reader makes of them; `undefined`: palyra does not say. */
const KNOWN: readonly (readonly [string, Partial<Record<Dialect, string | undefined>>])[] = [
  ["plain", all("plain")],
  ["  spaced out  ", { ...all("spaced out"), docker: "  spaced out  " }],
  ["raw#x", { ...all("raw"), docker: "raw#x" }],
  [`'l1\nl2 $H #x "q" \\n'`, { ...all(`l1\nl2 $H #x "q" \\n`), docker: undefined }],
  [`"l1\\nl2"`, { ...all("l1\nl2"), docker: `"l1\\nl2"` }],
  [`"x\\ry"`, { ...all("x\ry"), node: "x\\ry", deno: "x\\ry", docker: `"x\\ry"` }],
  [`"x$y"`, { ...all("x$y"), dotenvx: undefined, deno: undefined, docker: `"x$y"` }],
  [`"\\$HOME"`, { ...all("\\$HOME"), dotenvx: "$HOME", deno: "$HOME", docker: `"\\$HOME"` }],
  ["`a'b\"c $HOME`", { ...all(`a'b"c $HOME`), dotenvx: undefined, docker: "`a'b\"c $HOME`" }],
  ["$(echo hi)", { ...all("$(echo hi)"), dotenvx: undefined, deno: undefined }],
  ['"" # nothing', { ...all(""), docker: '"" # nothing' }],
  ["'a\r\nb'\r", { ...all("a\nb"), docker: undefined }],
];

function all(value: string): Record<Dialect, string> {
  return Object.fromEntries(DIALECTS.map((dialect) => [dialect, value])) as Record<Dialect, string>;
}

for (const [raw, expected] of KNOWN) {
  Deno.test(`Known answers: ${JSON.stringify(raw)}`, () => {
    const text = `# first\nA=1\nexport K=${raw}\nZ=9\n`;
    for (const dialect of DIALECTS) {
      if (!(dialect in expected) || (dialect === "docker" && expected[dialect] === undefined)) {
        continue;
      }
      // docker knows no export
      const given = dialect === "docker" ? text.replace("export ", "") : text;
      const found = parseDotenv(given, dialect);
      assert.deepEqual(found.map(({ key }) => key), ["A", "K", "Z"], dialect);
      assert.equal(found[1]!.value, expected[dialect], dialect);
      const { range: [start, end], around } = found[1]!.place;
      const scrubbed = `${given.slice(0, start)}${around.join("new")}${given.slice(end)}`;
      const replaced = parseDotenv(scrubbed, dialect);
      assert.deepEqual(replaced.map(({ value }) => value), ["1", "new", "9"], dialect);
    }
  });
}

Deno.test("What the readers do not agree on is refused unless one of them is named", async () => {
  for (const raw of [`"x\\ry"`, `"x$y"`, `"\\$HOME"`, "$(echo hi)"]) {
    await assertFails("usage", /K: readers .* do not agree/, () => parseAgreed(`A=1\nK=${raw}\n`));
  }
  assert.equal(parseAgreed(`K='$HOME'\n`)[0]!.value, "$HOME");
});

Deno.test("Where it is not clear where a value ends, nothing is guessed, and the line is named", async () => {
  for (const raw of [`'it's'`, `"a\\"b"`, `"open`, `x"y`, `"a" b`, `"a" # it's`]) {
    const error = await assertFails(
      "usage",
      /how line 2 is read/,
      () => parseDotenv(`A=1\nK=${raw}\n`, "dotenv"),
    );
    assert.match(error.hint!, /^A value with a quote in it/, raw);
  }
  for (const line of ["no assignment", "A: b", "9=1", "export A", "A: 'b'"]) {
    const parse = (): unknown => parseDotenv(`${line}\n`, "dotenv");
    const error = await assertFails("usage", /how line 1 is read/, parse);
    assert.equal(error.hint, "A line is NAME=VALUE, a comment, or empty", line);
  }
});

/** Lines, and those who read them as they stand; nobody else's reading is told. */
const SPACED: readonly (readonly [string, string, readonly Dialect[]])[] = [
  ["K=\tx", "x", ["dotenv", "dotenvx", "deno"]],
  ["K=x\t", "x", ["dotenv", "dotenvx", "deno"]],
  ["K=x \t# c", "x", ["dotenv", "dotenvx", "deno"]],
  ["K=\t'x'", "x", ["dotenv", "dotenvx", "deno"]],
  ["\tK=x", "x", ["dotenv", "dotenvx", "deno"]],
  ["K\t=x", "x", ["dotenv", "dotenvx", "deno"]],
  ["export  K=x", "x", ["dotenv", "dotenvx", "deno"]],
  ["export\tK=x", "x", ["dotenv", "dotenvx"]],
  ["export K=", "", ["dotenv", "dotenvx", "node"]],
  ["K= ", "", ["dotenv", "dotenvx"]],
  ["K=x\u00a0", "x", []],
  ["K=\u00a0x", "x", []],
  ["K=x\v", "x", []],
  ["K=x # c\u2028Y=1", "x", []],
  ["# c\u2028K=x", "x", []],
  ["K=x\ry", "x", []],
  ["# c\rK=x", "x", []],
  ["K='x\0y'", "x", []],
  ["K='x'\t# c", "x", ["dotenv", "dotenvx", "node", "deno"]],
];

Deno.test("White space that readers take for different things is refused with the line", async () => {
  for (const [line, value, readers] of SPACED) {
    const text = `A=1\r\n\n${line}\nB=2\n`;
    const found = (dialect: Dialect): string | undefined =>
      parseDotenv(text, dialect).find(({ key }) => key === "K")?.value;
    for (const dialect of DIALECTS.filter((one) => one !== "docker")) {
      if (readers.includes(dialect)) assert.equal(found(dialect), value, `${dialect}: ${line}`);
      else {
        const error = await assertFails("usage", /how line 3 is read/, () => found(dialect));
        assert.match(error.hint!, line.startsWith("#") ? /./ : /^Readers differ on/, line);
      }
    }
    if (readers.length === 4) parseAgreed(text);
    else await assertFails("usage", /how line 3 is read/, () => parseAgreed(text));
  }
});

Deno.test("a comment that is indented keeps nothing away, whatever one reader makes of it", () => {
  // Node 20 loses the variable behind such a line; later versions, and all others, do not.
  const text = 'export K1="`" \n # c"  \nK2= \'x y :=\'  \n \t\nK3=z\n';
  for (const dialect of DIALECTS.filter((one) => one !== "docker")) {
    const found = parseDotenv(text, dialect).map(({ key, value }) => [key, value]);
    assert.deepEqual(found, [["K1", "`"], ["K2", "x y :="], ["K3", "z"]], dialect);
  }
});

const CASES = 1_000;

/** Texts with one variable after the other, of which palyra is sure. */
function manyLines(dice: Dice, dialect: Dialect): { text: string; known: Assignment[] } {
  let text = "";
  for (let at = 0; at < CASES; at++) {
    const line = dotenvLine(dice, `K${at}`);
    try {
      // A reader that takes an empty value for a begin swallows the next line.
      const [only, ...more] = parseDotenv(line, dialect);
      const isOneLine = only !== undefined && /^[^\n]*\n$/.test(line.slice(only.place.range[1]));
      if (only !== undefined && more.length === 0 && isOneLine) text += line;
    } catch { /* not clear */ }
  }
  return { text, known: parseDotenv(text, dialect) };
}

async function compare(
  dialect: Dialect,
  read: (text: string, path: string) => Promise<Readonly<Record<string, string>>>,
): Promise<void> {
  const { text, known } = manyLines(rollDice(`dotenv as ${dialect} reads it`), dialect);
  const path = Deno.makeTempFileSync({ prefix: "palyra-test-" });
  try {
    Deno.writeTextFileSync(path, text);
    const found = await read(text, path);
    for (const { key, value } of known) {
      if (value === undefined) continue;
      const where = text.indexOf(`${key}=`);
      const line = JSON.stringify(text.slice(Math.max(0, where - 60), where + 30));
      assert.equal(JSON.stringify(found[key]), JSON.stringify(value), line);
    }
    say(`${dialect}: ${known.length} of ${CASES} lines are clear, and read alike`);
    assert.ok(known.length > CASES / 10);
  } finally {
    Deno.removeSync(path);
  }
}

async function environmentOf(argv: [string, ...string[]]): Promise<Record<string, string>> {
  const { out, err, status } = await runProcess({
    argv,
    env: { HOME: "/", PATH: "/usr/bin:/bin" },
  });
  assert.equal(status, 0, err);
  return JSON.parse(out);
}

Deno.test("Deno reads the same", async () => {
  const script = "console.log(JSON.stringify(Deno.env.toObject()))";
  const code = `data:application/javascript,${encodeURIComponent(script)}`;
  await compare(
    "deno",
    (_text, path) =>
      environmentOf([Deno.execPath(), "run", "-A", "--no-config", `--env-file=${path}`, code]),
  );
});

Deno.test("The library dotenv reads the same", async () => {
  await compare("dotenv", async (text) => {
    const [found] = await askOracle<Record<string, string>>("dotenv", [["", text]]);
    return found!;
  });
});

unlessSkipped("no-node", whyNoNode())("Node reads the same", async () => {
  const print = "JSON.stringify(process.env)";
  await compare(
    "node",
    (_text, path) => environmentOf(["/usr/bin/env", "node", `--env-file=${path}`, "-p", print]),
  );
});

/** Files of one line each, some of which docker refuses. */
const DOCKERS: readonly string[] = [
  ...[
    "A=1",
    "A= x # y ",
    "A='q'\r",
    "\ufeffA=x",
    "\u00a0\vA=x",
    "  \tA=x\t",
    "A=",
    "A==x",
    "9[0]=x",
  ],
  ...["#A=x", " \t#A=x", "", " \t", "A", "A\r", "A:b", "A=x\ry"],
  ...["A b", "A =x", "A\t=x", "=x", " =", "export A=1", "junk line", "A: b", "A ", "=", "A\t"],
];

unlessSkipped("no-docker", whyNoDocker())("Docker refuses and reads the same", async () => {
  await using daemon = startFakeDaemon();
  const path = Deno.makeTempFileSync({ prefix: "palyra-test-" });
  let refused = 0;
  try {
    for (const line of DOCKERS) {
      Deno.writeTextFileSync(path, line);
      const { status } = await runProcess({
        argv: ["/usr/bin/env", "docker", "create", "--env-file", path, "image"],
        env: { HOME: "/", PATH: "/usr/local/bin:/usr/bin:/bin", DOCKER_HOST: daemon.host },
      });
      if (status !== 0) {
        refused++;
        await assertFails("usage", /line 1: docker takes no name/, () => parseDocker(line));
        continue;
      }
      const found = parseDocker(line).filter(({ value }) => value !== undefined);
      const given = found.map(({ key, value }) => `${key}=${value}`);
      assert.deepEqual(given, daemon.environments.at(-1), JSON.stringify(line));
    }
  } finally {
    Deno.removeSync(path);
  }
  assert.equal(refused, 11);
});
