/** What the doctor finds, and what it says to do about it; each remedy is then followed. */

import assert from "node:assert/strict";
import { CHECK_IDS } from "../src/cli/doctor/check.ts";
import { makeMachine } from "./support/cli_run.ts";
import { palyra, tempRoot } from "./support/palyra.ts";
import { whyNoSecretService, whyNoSetpriv } from "./support/requirements.ts";
import { startSecretService } from "./support/secret_service.ts";
import { unlessSkipped } from "./support/skip.ts";

interface Found {
  readonly id: string;
  readonly status: string;
  readonly cause: string;
  readonly remedy: string;
}

const onKeyring = unlessSkipped("no-secret-service", whyNoSecretService());
const asNobody = unlessSkipped("no-setpriv", whyNoSetpriv());
const NO_PREFERENCE = { PALYRA_VAULT_BACKEND: "" };

function checksOf(out: string): Found[] {
  return JSON.parse(out).checks;
}

function statusesOf(checks: readonly Found[]): Record<string, string> {
  return Object.fromEntries(checks.map(({ id, status }) => [id, status]));
}

Deno.test("on a fresh machine nothing is made, and nothing fails", async () => {
  using place = tempRoot();
  const { status, out } = await palyra(["doctor", "--json"], { root: place.state });
  assert.equal(status, 0);
  const checks = checksOf(out);
  assert.deepEqual(checks.map(({ id }) => id), [...CHECK_IDS]);
  assert.ok(checks.every((check) => check.status !== "fail"), out);
  assert.deepEqual([...Deno.readDirSync(place.path)], []);
});

Deno.test("a healthy vault passes --strict, and looking changes no byte", async () => {
  using place = tempRoot();
  const root = place.state;
  assert.equal((await palyra(["secrets", "set", "global/a"], { root, stdin: "value" })).status, 0);
  const before = Deno.readFileSync(`${root}/vault/vault.db`);
  const { status, out, err } = await palyra(["doctor", "--strict", "--json"], { root });
  assert.equal(status, 0, out + err);
  const allowed = ["ok", "skipped"];
  assert.ok(checksOf(out).every((check) => allowed.includes(check.status)), out);
  assert.deepEqual(Deno.readFileSync(`${root}/vault/vault.db`), before);
});

/** A defect, the check that finds it, and the state root after its remedy was followed by `mend`. */
interface Defect {
  readonly what: string;
  readonly harm: (root: string) => void;
  readonly id: string;
  readonly status: "warn" | "fail";
  readonly says: RegExp;
  readonly mend?: (root: string) => void;
}

const DEFECTS: readonly Defect[] = [
  {
    what: "a directory that others can look into",
    harm: (root) => Deno.chmodSync(`${root}/vault`, 0o750),
    id: "modes",
    status: "warn",
    says: /look into .*\/vault/,
    mend: (root) => Deno.chmodSync(`${root}/vault`, 0o700),
  },
  {
    what: "a directory that others can write to",
    harm: (root) => Deno.chmodSync(`${root}/identity`, 0o770),
    id: "modes",
    status: "fail",
    says: /write to .*\/identity/,
    mend: (root) => Deno.chmodSync(`${root}/identity`, 0o700),
  },
  {
    what: "a key that others can open",
    harm: (root) => Deno.chmodSync(`${root}/identity/store.key`, 0o644),
    id: "modes",
    status: "fail",
    says: /open .*\/store\.key/,
    mend: (root) => Deno.chmodSync(`${root}/identity/store.key`, 0o600),
  },
  {
    what: "a link among the files",
    harm: (root) => Deno.symlinkSync("/etc/passwd", `${root}/vault/odd`),
    id: "owners",
    status: "fail",
    says: /no regular file|another user/, // what it leads to is root's
    mend: (root) => Deno.removeSync(`${root}/vault/odd`),
  },
  {
    what: "a part of the identity that is missing",
    harm: (root) => Deno.removeSync(`${root}/identity/ca.sealed`),
    id: "identity",
    status: "fail",
    says: /a part of it is missing/,
  },
  {
    what: "an identity of somebody else",
    harm: (root) => Deno.writeFileSync(`${root}/identity/store.key`, new Uint8Array(32)),
    id: "identity",
    status: "fail",
    says: /wrong key or altered data/,
  },
  {
    what: "a database that is none",
    harm: (root) => Deno.writeTextFileSync(`${root}/vault/vault.db`, "no database"),
    id: "database",
    status: "fail",
    says: /vault/,
  },
  {
    what: "leftovers",
    harm: (root) =>
      Deno.writeTextFileSync(`${root}/vault/.${crypto.randomUUID()}.tmp`, "", { mode: 0o600 }),
    id: "database",
    status: "warn",
    says: /left 1 thing/,
  },
  {
    what: "a marker that names another backend",
    harm: (root) => Deno.writeTextFileSync(`${root}/vault/backend.kind`, "windows_dpapi\n"),
    id: "backend",
    status: "warn",
    says: /says something else/,
  },
];

Deno.test("each defect is found by its own check; exit 10 for a failure, for a warning with --strict", async () => {
  for (const { what, harm, id, status, says, mend } of DEFECTS) {
    using place = tempRoot();
    const root = place.state;
    await palyra(["secrets", "set", "global/a"], { root, stdin: "value" });
    harm(root);
    const loose = await palyra(["doctor", "--json"], { root });
    const found = checksOf(loose.out).find((check) => check.id === id)!;
    assert.equal(found.status, status, `${what}: ${loose.out}`);
    assert.match(found.cause, says, what);
    assert.equal(loose.status, status === "fail" ? 10 : 0, `${what}: ${loose.err}`);
    assert.equal((await palyra(["doctor", "--strict"], { root })).status, 10, what);
    if (mend === undefined) continue;
    assert.notEqual(found.remedy, "", what);
    mend(root);
    assert.equal((await palyra(["doctor", "--strict"], { root })).status, 0, what);
  }
});

Deno.test("certificates and devices are looked at: what waits is a warning, what is damaged a failure", async () => {
  using place = tempRoot();
  const root = place.state;
  const tell = async (): Promise<Record<string, string>> =>
    statusesOf(checksOf((await palyra(["doctor", "--json"], { root })).out));
  const of = async (): Promise<(string | undefined)[]> => {
    const told = await tell();
    return [told["certificates"], told["devices"]];
  };
  await palyra(["init"], { root });
  assert.deepEqual(await of(), ["skipped", "skipped"]);
  await palyra(["identity", "renew"], { root });
  assert.deepEqual(await of(), ["ok", "ok"]);
  const code = (await palyra(["pairing", "code"], { root })).out;
  const joiner = `${place.path}/joiner`;
  const request = (await palyra(["pairing", "request"], { root: joiner, stdin: code })).out;
  await palyra(["pairing", "submit"], { root, stdin: request });
  assert.deepEqual(await of(), ["ok", "warn"]);
  Deno.removeSync(`${root}/identity/pairing.db`);
  assert.deepEqual(await of(), ["ok", "fail"]);
  Deno.writeTextFileSync(`${root}/identity/leaf.sealed`, "PIS1.1.x.y\n");
  assert.deepEqual(await of(), ["fail", "fail"]);
});

Deno.test("--only takes a check with its parts, and refuses what is none", async () => {
  using place = tempRoot();
  const only = await palyra(["doctor", "--only", "backend", "--json"], { root: place.state });
  const ids = checksOf(only.out).map(({ id }) => id);
  assert.deepEqual(ids, CHECK_IDS.filter((id) => id.startsWith("backend")));
  const one = await palyra(["doctor", "--only=clock", "--json"], { root: place.state });
  assert.deepEqual(checksOf(one.out).map(({ id }) => id), ["clock"]);
  const wrong = await palyra(["doctor", "--only", "everything"], { root: place.state });
  assert.equal(wrong.status, 2);
  assert.match(wrong.err, /hint: Checks are state_root, /);
});

Deno.test("a passphrase is never asked for: what needs it is skipped, unless it is given", async () => {
  using place = tempRoot();
  const root = place.state;
  Deno.writeTextFileSync(`${place.path}/passphrase`, "correct horse");
  const given = ["--passphrase-file", `${place.path}/passphrase`];
  await palyra(["init", "--protect", "passphrase", ...given], { root });
  const without = await palyra(["doctor", "--json", "--strict"], { root });
  assert.equal(without.status, 0, without.err);
  const skipped = statusesOf(checksOf(without.out));
  assert.deepEqual([skipped["identity"], skipped["backend"]], ["skipped", "skipped"]);
  const opened = statusesOf(checksOf((await palyra(["doctor", "--json", ...given], { root })).out));
  assert.deepEqual([opened["identity"], opened["backend"]], ["ok", "ok"]);
});

Deno.test("a config that is wrong, unknown in parts, or not trusted is told", async () => {
  using place = tempRoot();
  const config = `${place.path}/palyra.toml`;
  const look = async (args: readonly string[]): Promise<Found> => {
    const line = ["doctor", "--only", "config", "--json", ...args];
    const { out } = await palyra(line, { root: place.state, cwd: place.path });
    return checksOf(out)[0]!;
  };
  Deno.writeTextFileSync(config, "a = \n");
  assert.equal((await look(["--config", config])).status, "fail");
  Deno.writeTextFileSync(config, "unheard_of = 1\n");
  assert.equal((await look(["--config", config])).status, "warn");
  Deno.writeTextFileSync(config, "[palyra]\nkeep_versions = 3\n");
  assert.equal((await look(["--config", config])).status, "ok");
  const searched = await look([]);
  assert.deepEqual([searched.status, /not trusted/.test(searched.cause)], ["warn", true]);
});

asNobody("what belongs to somebody else is found by who does not own it", async () => {
  using machine = makeMachine("nobody");
  await machine.succeed(["secrets", "set", "global/a"], { stdin: "value" });
  Deno.chownSync(`${machine.stateRoot}/vault/vault.db`, 0, 0);
  const { stdout, status } = await machine.run(["doctor", "--json"]);
  const statuses = statusesOf(checksOf(stdout));
  assert.deepEqual([status, statuses["owners"], statuses["database"]], [10, "fail", "fail"]);
  const above = `${machine.directory}/shared`;
  Deno.mkdirSync(above);
  Deno.chmodSync(above, 0o777);
  const env = { PALYRA_STATE_ROOT: `${above}/state` };
  await machine.succeed(["secrets", "set", "global/a"], { stdin: "value", env });
  const open = await machine.run(["doctor", "--json", "--only", "state_root"], { env });
  assert.match(checksOf(open.stdout)[0]!.cause, /other users can exchange what is in .*\/shared$/);
});

onKeyring(
  "each state of the Secret Service shows at its own part, with the same words as the error",
  async () => {
    await using service = await startSecretService("unlocked");
    using place = tempRoot();
    const root = place.state;
    const env = { ...service.env, ...NO_PREFERENCE };
    const look = async (): Promise<Record<string, string>> => {
      const { out } = await palyra(["doctor", "--only", "backend", "--json"], { root, env });
      return statusesOf(checksOf(out));
    };
    const parts = (...statuses: string[]): Record<string, string> =>
      Object.fromEntries(
        CHECK_IDS.filter((id) => id.startsWith("backend")).map((id, at) => [id, statuses[at]!]),
      );
    assert.deepEqual(await look(), parts("ok", "ok", "ok", "ok", "skipped", "skipped"));
    await palyra(["secrets", "set", "global/a"], { root, env, stdin: "value" });
    assert.deepEqual(await look(), parts("ok", "ok", "ok", "ok", "ok", "ok"));
    await service.lock();
    assert.deepEqual(await look(), parts("fail", "ok", "ok", "ok", "fail", "skipped"));
    const { out } = await palyra(["doctor", "--json"], { root, env });
    const { err } = await palyra(["resolve", "global/a"], { root, env });
    const [message] = err.split("\n");
    const lock = checksOf(out).find(({ id }) => id === "backend.lock")!;
    assert.equal(message, `palyra: ${lock.cause}`);
    await service.unlock();
    await service.stop();
    assert.deepEqual(await look(), parts("fail", "ok", "ok", "fail", "skipped", "skipped"));
    await service.cont();
    await service.wipe();
    assert.deepEqual(await look(), parts("fail", "ok", "ok", "ok", "skipped", "fail"));
    await service.killBus();
    assert.deepEqual(await look(), parts("fail", "ok", "fail", "skipped", "skipped", "skipped"));
  },
);

onKeyring("without a vault a keystore that cannot be used is a warning", async () => {
  for (const mode of ["noservice", "nobus"] as const) {
    await using service = await startSecretService(mode);
    using place = tempRoot();
    const options = { root: place.state, env: { ...service.env, ...NO_PREFERENCE } };
    const { status, out } = await palyra(["doctor", "--json"], options);
    assert.equal(status, 0);
    const { backend } = statusesOf(checksOf(out));
    assert.equal(backend, "warn", out);
    assert.match(checksOf(out).find(({ id }) => id === "backend")!.cause, /by encrypted_file/);
  }
});
