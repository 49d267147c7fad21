/** Real clients from npm: OpenClaw, with the Node that it needs, and pnpm. */

import assert from "node:assert/strict";
import { startClientServer } from "../support/client_server.ts";
import { makeClientMachine } from "../support/clients.ts";
import { say } from "../support/dice.ts";
import { npmClient } from "../support/npm_client.ts";
import { palyra } from "../support/palyra.ts";
import { type Ended, runProcess } from "../support/process.ts";
import { unlessSkipped } from "../support/skip.ts";

const SECRET = "s3cr3t";
const node = await npmClient(
  `node-linux-${Deno.build.arch === "aarch64" ? "arm64" : "x64"}@24.21.0`,
);
const openclaw = await npmClient("openclaw@2026.9.6");
const pnpm = await npmClient("pnpm@10.34.9");

function whyNot(...clients: readonly object[]): string | undefined {
  for (const client of clients) if ("why" in client) return String(client.why);
  return undefined;
}

function modulesOf(client: object): string {
  return "modules" in client ? String(client.modules) : "";
}

/** Node first in PATH: OpenClaw starts it by its name. */
function nodeDirectory(): string {
  const [name] = [...Deno.readDirSync(modulesOf(node))].filter(({ name }) =>
    name.startsWith("node-linux")
  );
  return `${modulesOf(node)}/${name!.name}/bin`;
}

async function runClient(
  home: string,
  argv: readonly string[],
  options: { readonly cwd?: string } = {},
): Promise<Ended> {
  const env = { HOME: home, PATH: `${nodeDirectory()}:/usr/bin:/bin`, CI: "1", NO_COLOR: "1" };
  return await runProcess({ argv, env, cwd: options.cwd ?? home, timeoutMs: 120_000 });
}

unlessSkipped("no-real-client", whyNot(node, openclaw))("the real OpenClaw", async () => {
  using client = makeClientMachine('[helper.openclaw]\nallow = ["global/openai*"]\n');
  await client.store("global/openai", SECRET);
  const { home } = client.machine;
  const program = `${modulesOf(openclaw)}/.bin/openclaw`;
  say(`openclaw: ${(await runClient(home, [program, "--version"])).out.trim()}`);
  await client.machine.succeed(["helper", "install", "openclaw", "--write"]);
  await client.machine.succeed(["helper", "check", "openclaw"]);
  const path = `${home}/.openclaw/openclaw.json`;
  const settings = JSON.parse(Deno.readTextFileSync(path));
  const use = (id: string): void => {
    const apiKey = { source: "exec", provider: "palyra", id };
    const models = [{ id: "gpt-5", name: "gpt-5" }];
    const openai = { baseUrl: "https://api.openai.com/v1", models, apiKey };
    Deno.writeTextFileSync(
      path,
      JSON.stringify({ ...settings, models: { providers: { openai } } }),
    );
  };
  use("vault://global/openai");
  assert.equal((await runClient(home, [program, "config", "validate"])).status, 0);
  const audit = await runClient(home, [program, "secrets", "audit", "--allow-exec", "--json"]);
  assert.equal(audit.status, 0, audit.out + audit.err);
  const { status, resolution } = JSON.parse(audit.out);
  assert.deepEqual([status, resolution.refsChecked], ["clean", 1]);
  for (const id of ["vault://global/openai_none", "vault://global/other"]) {
    use(id);
    const missing = await runClient(home, [program, "secrets", "audit", "--allow-exec", "--check"]);
    assert.equal(missing.status, 2);
    assert.match(missing.out + missing.err, /REF_UNRESOLVED.*NOT_FOUND/);
  }
  assert.doesNotMatch(audit.out + audit.err, new RegExp(SECRET));
});

unlessSkipped("no-real-client", whyNot(node, pnpm))("the real pnpm", async () => {
  using client = makeClientMachine('[[helper.token.map]]\nmatch = "pnpm"\nref = "global/npm"\n');
  await client.store("global/npm", SECRET);
  await using server = startClientServer(`Bearer ${SECRET}`);
  const { home } = client.machine;
  // The bundle: from its sources palyra would look for its libraries in the registry of this .npmrc.
  const installed = await palyra(["helper", "install", "pnpm", "--json"], {
    env: client.machine.env,
  });
  const { path } = JSON.parse(installed.out);
  const registry = `//127.0.0.1:${server.port}/`;
  Deno.writeTextFileSync(
    `${home}/.npmrc`,
    `${registry}:tokenHelper=${path}\nregistry=http:${registry}\n`,
  );
  const project = `${home}/project`;
  Deno.mkdirSync(project);
  Deno.writeTextFileSync(`${project}/package.json`, '{"name":"x","version":"1.0.0"}');
  const program = [`${nodeDirectory()}/node`, `${modulesOf(pnpm)}/pnpm/bin/pnpm.cjs`];
  say(`pnpm: ${(await runClient(home, [...program, "--version"])).out.trim()}`);
  const add = [...program, "add", "foo", "--lockfile-only"];
  const added = await runClient(home, add, { cwd: project });
  assert.equal(added.status, 0, added.out + added.err);
  assert.equal(server.requests.at(-1)!.authorization, `Bearer ${SECRET}`);
});
