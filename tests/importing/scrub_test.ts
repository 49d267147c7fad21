/** What `--scrub` writes into dotenv files: `run --env-file` reads it, and so does every reader, as a whole. */

import assert from "node:assert/strict";
import { type Dialect, DIALECTS, parseAgreed, parseDotenv } from "../../src/importing/dotenv.ts";
import { askOracle } from "../support/ask_oracle.ts";
import { assertRefused, eachOf, type Machine, makeMachine } from "../support/cli_run.ts";
import { runProcess } from "../support/process.ts";
import { whyNoNode } from "../support/requirements.ts";
import { unlessSkipped } from "../support/skip.ts";

interface Case {
  readonly before: string;
  /** With `REF/` for `vault://SCOPE/`. */
  readonly after: string;
  readonly values: Readonly<Record<string, string>>;
  readonly dialect?: Dialect;
}

const BOM = "\ufeff";
const CASES: readonly Case[] = [
  { before: "A=b#c\n", after: "A=REF/a #c\n", values: { A: "b" } },
  { before: 'A="x"#c\n', after: "A=REF/a #c\n", values: { A: "x" } },
  { before: "A='x'\t# c\n", after: "A=REF/a # c\n", values: { A: "x" } },
  { before: "A='x'   # c\n", after: "A=REF/a   # c\n", values: { A: "x" } },
  { before: "A='x'\t", after: "A=REF/a", values: { A: "x" } },
  { before: "A = b\n", after: "A=REF/a\n", values: { A: "b" } },
  {
    before: "  export A =  'b' # c\nB=2",
    after: "  export A=REF/a # c\nB=REF/b",
    values: { A: "b", B: "2" },
  },
  { before: `${BOM}A=b\nB=2\n`, after: `${BOM}A=REF/a\nB=REF/b\n`, values: { A: "b", B: "2" } },
  { before: "A.B=x\n", after: "A.B=REF/a.b\n", values: { "A.B": "x" } },
  { before: "A-B=x\n", after: "A-B=REF/a-b\n", values: { "A-B": "x" } },
  {
    before: "A=one\r\n# c\r\n\r\nB='two'\r\nC=\"a\r\nb\" # c\r\nD=4\n\r\nE=5#x\r\nF=6\t\r\n",
    after: "A=REF/a\r\n# c\r\n\r\nB=REF/b\r\nC=REF/c # c\r\nD=REF/d\n\r\nE=REF/e #x\r\nF=REF/f\r\n",
    values: { A: "one", B: "two", C: "a\nb", D: "4", E: "5", F: "6" },
    dialect: "dotenv",
  },
  {
    before: "\tA=x\nexport  B=y\nexport\tC =\tz\t# c\n \t D='w'\t\t#c\n",
    after: "A=REF/a\nexport B=REF/b\nexport C=REF/c # c\nD=REF/d #c\n",
    values: { A: "x", B: "y", C: "z", D: "w" },
    dialect: "dotenv",
  },
  {
    before: "  A=x # y\r\n\tB='q'\r\nC= \nD.E=5",
    after: "  A=REF/a\r\nB=REF/b\r\nC=REF/c\nD.E=REF/d.e",
    values: { A: "x # y", B: "'q'", C: " ", "D.E": "5" },
    dialect: "docker",
  },
];

/** Variables that a command of `run` gets from a file. */
async function variablesOf(machine: Machine, file: string): Promise<Record<string, string>> {
  const args = ["run", "--clean-env", "--env-file", file, "--", "/usr/bin/env", "-0"];
  const { stdout } = await machine.succeed(args);
  return Object.fromEntries(
    stdout.split("\0").filter(Boolean).map((entry) => {
      const equals = entry.indexOf("=");
      return [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
}

Deno.test("What scrub has written is read by run --env-file, and nothing else has changed", async () => {
  using machine = makeMachine();
  await machine.succeed(["init"]);
  await eachOf([...CASES.entries()], async ([at, { before, after, values, dialect }]) => {
    const file = `${machine.home}/${at}.env`;
    Deno.writeTextFileSync(file, before);
    const args = ["--from", "dotenv", file, "--scope", `skill:s${at}`, "--scrub"];
    if (dialect !== undefined) args.push("--dialect", dialect);
    await machine.succeed(["secrets", "import", ...args]);
    // ignoreBOM keeps it
    const now = new TextDecoder("utf-8", { ignoreBOM: true }).decode(Deno.readFileSync(file));
    assert.equal(now, after.replaceAll("REF/", `vault://skill:s${at}/`), JSON.stringify(before));
    assert.deepEqual(await variablesOf(machine, file), values, JSON.stringify(before));
  });
});

/** The references of all cases but that with a byte order mark, which Node and Deno do not know. */
function scrubbed(): { readonly text: string; readonly known: Record<string, string> } {
  let text = "";
  const known: Record<string, string> = {};
  for (const [at, { before, dialect }] of CASES.entries()) {
    if (before.startsWith(BOM)) continue;
    const given = before.replaceAll(/([A-F])(?=[\w.-]*\s*=)/g, `K${at}$1`);
    let end = 0;
    for (
      const { key, place } of dialect === undefined
        ? parseAgreed(given)
        : parseDotenv(given, dialect)
    ) {
      known[key] = `vault://global/${key.toLowerCase()}`;
      text += given.slice(end, place.range[0]) + place.around.join(known[key]!);
      end = place.range[1];
    }
    text += `${given.slice(end)}\n`;
  }
  return { text, known };
}

async function assertWhole(
  read: (path: string, text: string) => Promise<Readonly<Record<string, string>>>,
): Promise<void> {
  const { text, known } = scrubbed();
  const path = Deno.makeTempFileSync({ prefix: "palyra-test-" });
  try {
    Deno.writeTextFileSync(path, text);
    const found = await read(path, text);
    for (const [key, reference] of Object.entries(known)) assert.equal(found[key], reference, text);
    assert.ok(Object.keys(known).length > CASES.length);
  } finally {
    Deno.removeSync(path);
  }
}

async function environmentOf(argv: readonly string[]): Promise<Record<string, string>> {
  const env = { HOME: "/", PATH: "/usr/local/bin:/usr/bin:/bin" };
  const { out, err, status } = await runProcess({ argv, env });
  assert.equal(status, 0, err);
  return JSON.parse(out);
}

Deno.test("Deno finds every reference whole", async () => {
  const script = "console.log(JSON.stringify(Deno.env.toObject()))";
  const code = `data:application/javascript,${encodeURIComponent(script)}`;
  await assertWhole((path) =>
    environmentOf([Deno.execPath(), "run", "-A", "--no-config", `--env-file=${path}`, code])
  );
});

Deno.test("The library dotenv finds every reference whole", async () => {
  await assertWhole(async (_path, text) =>
    (await askOracle<Record<string, string>>("dotenv", [["", text]]))[0]!
  );
});

unlessSkipped("no-node", whyNoNode())("Node finds every reference whole", async () => {
  const print = "JSON.stringify(process.env)";
  await assertWhole((path) =>
    environmentOf(["/usr/bin/env", "node", `--env-file=${path}`, "-p", print])
  );
});

Deno.test("A variable that is set twice is refused with its line, whoever reads the file", async () => {
  using machine = makeMachine();
  await eachOf([undefined, ...DIALECTS], async (dialect) => {
    const file = `${machine.home}/${dialect}.env`;
    Deno.writeTextFileSync(
      file,
      `A='first${dialect === "docker" ? "\n\n" : "\n'\n"}B=x\nA=second\n`,
    );
    const args = ["secrets", "import", "--from", "dotenv", file, "--scope", "global", "--scrub"];
    if (dialect !== undefined) args.push("--dialect", dialect);
    const refused = await machine.run(args);
    assertRefused(refused, 2, dialect ?? "all");
    assert.equal(refused.stderr, "palyra: Cannot import line 4: its variable was set before\n");
  });
  assert.throws(() => Deno.statSync(machine.stateRoot), Deno.errors.NotFound);
});

Deno.test("What docker refuses is refused with its line, and what it takes from elsewhere is told", async () => {
  using machine = makeMachine();
  const file = `${machine.home}/docker.env`;
  const args = ["--from", "dotenv", file, "--dialect", "docker", "--scope", "global", "--json"];
  for (const line of ["B = secret-b", "A: b", "junk line", "export A=1", "=x", "A ", "A\t=x"]) {
    Deno.writeTextFileSync(file, `# c\n\nZ=9\n${line}\n`);
    const { status, stdout, stderr } = await machine.run(["secrets", "import", ...args]);
    assert.deepEqual([status, stdout], [2, ""], line);
    assert.match(stderr, /^palyra: Cannot import line 4: docker takes no name/, line);
    assert.ok(!stderr.includes("secret-b"));
  }
  assert.throws(() => Deno.statSync(machine.stateRoot), Deno.errors.NotFound);
  const text = `${BOM}Z=9\r\n \t#x y\n\nA\r\nEMPTY=\n9=nine\n`;
  Deno.writeTextFileSync(file, text);
  const { items, left } = JSON.parse(
    (await machine.succeed(["secrets", "import", ...args])).stdout,
  );
  assert.deepEqual(items.map(({ key }: { key: string }) => key), ["Z", "9"]);
  assert.deepEqual(left, [
    { key: "A", why: "docker takes it from its own environment" },
    { key: "EMPTY", why: "it is empty" },
  ]);
  const refused = await machine.run(["secrets", "import", ...args, "--scrub", "--replace"]);
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /^palyra: Cannot scrub 9: palyra run --env-file reads no such name/);
  assert.equal(new TextDecoder("utf-8", { ignoreBOM: true }).decode(Deno.readFileSync(file)), text);
  await machine.succeed(["secrets", "import", ...args, "--scrub", "Z"]);
});
