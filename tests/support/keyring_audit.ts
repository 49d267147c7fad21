/** A vault on a real Secret Service whose commands are killed, and everything that must hold afterwards. */

import assert from "node:assert/strict";
import { strayFiles } from "./crash_audit.ts";
import { listingOf } from "./crash_process.ts";
import { type KeyringUser, type Said, type UseOptions, userOf } from "./keyring_user.ts";
import { type SecretService, startSecretService } from "./secret_service.ts";

/** Where the vault's key is, and what protects the identity. */
export interface Whereabouts {
  readonly backend: string;
  readonly protect: string;
}

/** A vault with its books, on a keyring of its own. */
export interface KeptVault extends AsyncDisposable {
  readonly service: SecretService;
  readonly root: string;
  /** Every command is given the passphrase, whether it needs it or not. */
  readonly user: KeyringUser;
  /** Values that each reference may have: one, or two after a write that was killed. */
  readonly known: Map<string, readonly (string | undefined)[]>;
  /** Items in the keyring that are not this vault's. */
  foreign: number;
  /** Device and vault; empty until there is an identity. */
  ids: string;
  /** Writes so far, for new values. */
  writes: number;
}

/** Written after each kill, and never killed. */
const NEXT = "global/next";

/** Starts a keyring, and nothing yet on it. */
export async function openKeptVault(): Promise<KeptVault> {
  const service = await startSecretService("unlocked");
  const root = `${service.directory}/state`;
  const passphrase = `${service.directory}/passphrase`;
  Deno.writeTextFileSync(passphrase, "correct horse\n");
  const user = withPassphrase(userOf(root, service.env), passphrase);
  return {
    service,
    root,
    user,
    known: new Map(),
    foreign: 0,
    ids: "",
    writes: 0,
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
}

/** Writes a value and books it. */
export async function write(vault: KeptVault, ref: string): Promise<void> {
  const value = `value ${++vault.writes}`;
  await vault.user.succeed(["secrets", "set", ref], { stdin: value });
  vault.known.set(ref, [value]);
}

/** What the vault says of itself. */
export async function whereabouts({ user }: KeptVault): Promise<Whereabouts> {
  return await user.json(["vault", "status"]);
}

/** Brings the vault to a state, by commands that nobody kills. */
export async function bringTo(
  { user }: KeptVault,
  { backend, protect }: Whereabouts,
): Promise<void> {
  if (protect !== "keystore") await user.succeed(["vault", "protect", "file"]);
  await user.succeed(["vault", "migrate", "--to", backend]);
  if (protect !== "file") await user.succeed(["vault", "protect", protect]);
}

/**
 * Asserts that the next command reads every value that was acknowledged, that the identity is the
 * same, and that after one more write nothing is left of what was killed.
 */
export async function auditKept(vault: KeptVault, what: string): Promise<Whereabouts> {
  try {
    await assertReads(vault);
    await write(vault, NEXT);
    return await assertSettled(vault);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const found = `${await itemsIn(vault)}${listingOf(vault.root)}`;
    throw new Error(`${what}: ${why}\n${found}`, { cause });
  }
}

/** Asserts that nothing is left over: in the keyring, in the database, among the files. */
export async function assertSettled(vault: KeptVault): Promise<Whereabouts> {
  const { user, service, root } = vault;
  const where = await whereabouts(vault);
  const { bad, leftovers } = await user.json(["vault", "check", "--strict"]);
  assert.deepEqual({ bad, leftovers }, { bad: [], leftovers: 0 });
  const { device_id, vault_id } = await user.json(["init"]);
  const ids = `${device_id} ${vault_id}`;
  if (vault.ids !== "") assert.equal(ids, vault.ids, "another identity, or another vault");
  vault.ids = ids;
  const kept = where.backend === "encrypted_file" ? 0 : 2;
  const protecting = where.protect === "keystore" ? 2 : 0;
  assert.equal(
    await service.items() - vault.foreign,
    kept + protecting,
    `items in the keyring with ${where.backend}, protected by ${where.protect}`,
  );
  const names = [...Deno.readDirSync(`${root}/identity`)].map(({ name }) => name);
  const keys = names.filter((name) => name.startsWith("store.key"));
  assert.deepEqual(keys, [where.protect === "file" ? "store.key" : "store.key.ref"]);
  assert.deepEqual(strayFiles(root), []);
  return where;
}

/** Kinds and lengths of all items, for who looks for what a kill has left. */
async function itemsIn({ service }: KeptVault): Promise<string> {
  const { out, err } = await service.tool(["search", "--all", "application", "palyra"]);
  const lengths = [...out.matchAll(/^secret = (.*)$/gm)].map((match) => match[1]!.length);
  const kinds = [...err.matchAll(/^attribute\.kind = (.*)$/gm)].map((match) => match[1]);
  return kinds.map((kind, at) => `item ${kind} of ${lengths[at]} characters\n`).join("");
}

/** Reads everything by one process, and takes over which of two values a killed write has left. */
async function assertReads({ user, known }: KeptVault): Promise<void> {
  const [sure, unsure] = [
    [...known].filter(([, values]) => values.length === 1 && values[0] !== undefined),
    [...known].filter(([, values]) => values.length > 1),
  ];
  if (sure.length > 0) {
    const { values } = await user.json(["resolve", ...sure.map(([ref]) => ref)]);
    for (const [ref, [value]] of sure) assert.equal(values[ref], value, ref);
  }
  for (const [ref, values] of unsure) {
    const { status, out, err } = await user.run(["resolve", ref]);
    assert.ok(status === 0 || status === 8, `resolve ${ref}: ${status} ${err}`);
    const found = status === 0 ? out : undefined;
    assert.ok(values.includes(found), `${ref} is ${found}, not one of ${values}`);
    known.set(ref, [found]);
  }
}

function withPassphrase(user: KeyringUser, file: string): KeyringUser {
  const more = ["--passphrase-file", file];
  return {
    root: user.root,
    run: (args, options?: UseOptions): Promise<Said> => user.run([...args, ...more], options),
    succeed: (args, options) => user.succeed([...args, ...more], options),
    json: (args, options) => user.json([...args, ...more], options),
  };
}
