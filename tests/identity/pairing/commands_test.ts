/** Pairing from the command line: real processes, real files, wrong input. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { decodeUtf8, encodeUtf8 } from "../../../src/crypto/encoding.ts";
import { SensitiveBytes } from "../../../src/crypto/sensitive_bytes.ts";
import { openIdentityStore } from "../../../src/identity/store.ts";
import { denoPlatform } from "../../../src/platform/deno/platform.ts";
import { assertRefused, type Machine, makeMachine } from "../../support/cli_run.ts";
import { jsonOf, pairMachines } from "../../support/pairing_machines.ts";
import { pathsBelow } from "../../support/file_trees.ts";
import { runProcess } from "../../support/process.ts";
import { NO_ACCESS } from "../../support/vaults.ts";

const NONE = "01KDYAK3SE3RZ9Q6B0MJ7X5WTC";

Deno.test("a code leads through request, submit, list and approve to a certificate that OpenSSL accepts", async () => {
  using approver = makeMachine("nobody");
  using joiner = makeMachine("nobody");
  const { deviceId, requestId, request, decision } = await pairMachines(approver, joiner);
  const listed = await jsonOf(approver, ["pairing", "list"]);
  const [filed] = listed["requests"] as Record<string, unknown>[];
  assert.deepEqual([filed!["state"], filed!["request_id"]], ["approved", requestId]);
  assert.deepEqual(listed["codes"], []);
  const again = await approver.succeed(["pairing", "approve", requestId]);
  assert.equal(again.stdout, decision, "the same bytes");
  const repeated = await jsonOf(joiner, ["pairing", "complete"], decision);
  assert.equal(repeated["changed"], false);
  const shown = await jsonOf(joiner, ["identity", "show"]);
  assert.equal(shown["device_id"], deviceId);
  assert.equal(filed!["identity_fingerprint"], shown["identity_fingerprint"]);
  const devices = await jsonOf(approver, ["devices", "list"]);
  const [device] = devices["devices"] as Record<string, unknown>[];
  assert.equal(device!["device_id"], deviceId);
  assert.equal(device!["identity_fingerprint"], shown["identity_fingerprint"]);
  const ca = await approver.succeed(["identity", "export-ca"]);
  assert.equal((await joiner.succeed(["identity", "export-ca", "--of", "self"])).status, 0);
  const pinned = await joiner.succeed([
    "identity",
    "export-ca",
    "--of",
    String(device!["approved_by"]),
  ]);
  assert.equal(pinned.stdout, ca.stdout);
  const leaf = await joiner.succeed(["identity", "export-certificate"]);
  await openssl(joiner, ca.stdout, leaf.stdout);
  assert.match(request, /^\{"kind":"palyra\.pairing\.request","version":1,.*\}\n$/);
  for (const machine of [approver, joiner]) {
    for (const path of pathsBelow(machine.stateRoot)) {
      const { mode, isDirectory } = Deno.lstatSync(`${machine.stateRoot}/${path}`);
      assert.equal(mode! & 0o777, isDirectory ? 0o700 : 0o600, path);
    }
  }
  const before = await joiner.run(["identity", "needs-renewal"]);
  assert.equal(before.status, 11, before.stderr);
});

Deno.test("documents go to files of mode 0600 where --out says, and codes come from there as well", async () => {
  using approver = makeMachine();
  using joiner = makeMachine();
  const file = (name: string): string => `${joiner.home}/${name}`;
  const code = (await jsonOf(approver, ["pairing", "code", "--ttl", "30s"]))["code"];
  const typed = String(code).toLowerCase().replace(/(.{10})/g, "$1 - ");
  await joiner.succeed(["pairing", "request", "--out", file("r")], { stdin: `${typed}\r\n` });
  const { request_id: id } = await jsonOf(approver, ["pairing", "submit", file("r")]);
  await approver.succeed([
    "pairing",
    "approve",
    String(id),
    "--out",
    file("d"),
    "--reason",
    "ok ✓",
  ]);
  const ended = await jsonOf(joiner, ["pairing", "complete", file("d")]);
  assert.equal(ended["reason"], "ok ✓");
  for (const name of ["r", "d"]) assert.equal(Deno.statSync(file(name)).mode! & 0o777, 0o600);
});

Deno.test("wrong input is refused by the right status, and makes nothing", async () => {
  using approver = makeMachine();
  using joiner = makeMachine();
  const bare: [number, string[]][] = [
    [8, ["pairing", "list"]],
    [8, ["devices", "list"]],
    [8, ["identity", "needs-renewal"]],
    [8, ["identity", "crl"]],
    [8, ["pairing", "approve", NONE]],
    [8, ["devices", "revoke", NONE]],
    [2, ["devices", "show", "x"]],
    [2, ["pairing", "code", "--ttl", "29s"]],
    [2, ["pairing", "code", "--ttl", "25h"]],
    [2, ["pairing", "request", "--kind", "toaster"]],
    [2, ["pairing", "request", "--usage", "everything"]],
    [2, ["pairing", "request", "--validity", "59m"]],
    [2, ["pairing", "request", "--validity", "398d"]],
    [2, ["pairing", "request", "--csr", "/etc/passwd"]],
    [2, ["devices", "rotate"]],
    [2, ["pairing", "list", "--state", "lost"]],
    [2, ["pairing", "approve", NONE, "--reason", "two\nlines"]],
    [2, ["identity", "renew", "--answer", "x", "--force"]],
  ];
  for (const [status, args] of bare) {
    const result = await approver.run(args, { stdin: "" });
    assertRefused(result, status, args.join(" "));
  }
  assert.throws(() => Deno.statSync(approver.stateRoot), Deno.errors.NotFound);
  const texts = [
    "",
    "PALYRA1:",
    "PALYRA2:AAAA",
    "x".repeat(1_000),
    "\0",
    "PALYRA1:" + "A".repeat(80),
  ];
  for (const stdin of texts) {
    assertRefused(await joiner.run(["pairing", "request"], { stdin }), 2, stdin.slice(0, 20));
  }
  assert.throws(() => Deno.statSync(joiner.stateRoot), Deno.errors.NotFound);
  const large = `{"kind":"palyra.pairing.request","x":"${"a".repeat(10_000_000)}"}`;
  for (
    const args of [["pairing", "submit"], ["pairing", "complete"], [
      "devices",
      "rotate",
      "--request",
      "-",
    ]]
  ) {
    assertRefused(await joiner.run(args, { stdin: large }), 2, `10 MB to ${args.join(" ")}`);
    assertRefused(await joiner.run(args, { stdin: "{}" }), 2, args.join(" "));
  }
  const code = (await approver.succeed(["pairing", "code"])).stdout;
  const request = (await joiner.succeed(["pairing", "request"], { stdin: code })).stdout;
  assertRefused(await joiner.run(["pairing", "submit"], { stdin: request }), 8, "to itself");
  await joiner.succeed(["pairing", "code"]);
  assertRefused(await joiner.run(["pairing", "submit"], { stdin: request }), 6, "to another CA");
  const own = (await approver.succeed(["pairing", "request"], { stdin: code })).stdout;
  assertRefused(await approver.run(["pairing", "submit"], { stdin: own }), 6, "from itself");
});

Deno.test("a ninth code is refused, one that is taken back makes room, and cannot be used", async () => {
  using approver = makeMachine();
  using joiner = makeMachine();
  const codes: string[] = [];
  for (let at = 0; at < 8; at++) {
    codes.push(String((await jsonOf(approver, ["pairing", "code"]))["code"]));
  }
  assertRefused(await approver.run(["pairing", "code"]), 7, "the ninth");
  const listed = (await jsonOf(approver, ["pairing", "list"]))["codes"] as { code_id: string }[];
  assert.equal(listed.length, 8);
  const text = JSON.stringify(listed);
  for (const code of codes) assert.ok(!text.includes(code.slice(10, 30)), "a code is listed");
  await approver.succeed(["pairing", "reject", listed[0]!.code_id]);
  assertRefused(await approver.run(["pairing", "reject", listed[0]!.code_id]), 8, "twice");
  const request = await joiner.succeed(["pairing", "request"], { stdin: codes[0]! });
  assertRefused(
    await approver.run(["pairing", "submit"], { stdin: request.stdout }),
    8,
    "its code",
  );
  await approver.succeed(["pairing", "code"]);
});

Deno.test("a rejected request pairs nobody, says why, and is over", async () => {
  using approver = makeMachine();
  using joiner = makeMachine();
  const code = (await approver.succeed(["pairing", "code"])).stdout;
  const request = (await joiner.succeed(["pairing", "request"], { stdin: code })).stdout;
  const { request_id } = await jsonOf(approver, ["pairing", "submit"], request);
  const id = String(request_id);
  const decision =
    (await approver.succeed(["pairing", "reject", id, "--reason", "not mine"])).stdout;
  assertRefused(await approver.run(["pairing", "approve", id]), 7, "approved afterwards");
  const ended = await joiner.run(["pairing", "complete"], { stdin: decision });
  assertRefused(ended, 6, "complete");
  assert.match(ended.stderr, /not mine/);
  assertRefused(await joiner.run(["pairing", "complete"], { stdin: decision }), 8, "again");
  assert.deepEqual((await jsonOf(approver, ["devices", "list"]))["devices"], []);
  assertRefused(await joiner.run(["identity", "export-certificate"]), 8, "a certificate");
});

Deno.test("a known device with another identity key is refused until it is removed", async () => {
  using approver = makeMachine();
  using joiner = makeMachine();
  using impostor = makeMachine();
  const { deviceId } = await pairMachines(approver, joiner);
  await impostor.succeed(["init"]);
  await takeName(impostor, deviceId);
  const code = (await approver.succeed(["pairing", "code"])).stdout;
  const request = (await impostor.succeed(["pairing", "request"], { stdin: code })).stdout;
  assert.equal(JSON.parse(request).device_id, deviceId);
  const refused = await approver.run(["pairing", "submit"], { stdin: request });
  assertRefused(refused, 6, "another key");
  assert.match(refused.stderr, /another identity key/);
  await approver.succeed(["devices", "remove", deviceId]);
  await jsonOf(approver, ["pairing", "submit"], request);
});

Deno.test("rows that were altered, moved or put in by others, and a database that is gone, are told as damage", async () => {
  using approver = makeMachine();
  using joiner = makeMachine();
  const { deviceId } = await pairMachines(approver, joiner);
  const path = `${approver.stateRoot}/identity/pairing.db`;
  const saved = Deno.readFileSync(path);
  const alterations = [
    ["UPDATE devices SET state = 'revoked'", ["devices", "list"]],
    ["UPDATE devices SET identity_key = 'AAAA'", ["devices", "show", deviceId]],
    ["UPDATE devices SET paired_at = paired_at + 1", ["devices", "revoke", deviceId]],
    ["UPDATE certificates SET revoked_at = 1", ["identity", "crl"]],
    ["UPDATE certificates SET not_after = not_after + 1", ["devices", "list"]],
    ["UPDATE requests SET state = 'pending'", ["pairing", "list"]],
    ["UPDATE devices SET mac = zeroblob(32)", ["devices", "list"]],
    ["UPDATE devices SET mac = (SELECT mac FROM requests)", ["devices", "list"]],
    ["CREATE TABLE more (a TEXT) STRICT", ["devices", "list"]],
    ["CREATE TRIGGER t AFTER INSERT ON codes BEGIN DELETE FROM devices; END", ["pairing", "code"]],
  ] as const;
  for (const [statement, args] of alterations) {
    {
      using database = new DatabaseSync(path);
      database.exec(statement);
    }
    assertRefused(await approver.run(args), 9, statement);
    Deno.writeFileSync(path, saved);
  }
  await approver.succeed(["devices", "list"]);
  for (const name of ["pairing.db", "pairing-key.sealed"]) {
    const file = `${approver.stateRoot}/identity/${name}`;
    const bytes = Deno.readFileSync(file);
    Deno.removeSync(file);
    for (const args of [["devices", "list"], ["pairing", "code"], ["identity", "crl"]]) {
      assertRefused(await approver.run(args), 9, `${name} gone: ${args.join(" ")}`);
    }
    Deno.writeFileSync(file, bytes, { mode: 0o600 });
  }
  await approver.succeed(["devices", "list"]);
});

Deno.test("renew --exec runs the command once, without palyra's variables, and tells when it failed", async () => {
  using machine = makeMachine();
  const log = `${machine.home}/log`;
  const exec = ["--exec", `echo "$PALYRA_STATE_ROOT|$HOME" >> ${log}`];
  const first = await jsonOf(machine, ["identity", "renew", ...exec]);
  assert.deepEqual([first["changed"], first["executed"]], [true, true]);
  const second = await jsonOf(machine, ["identity", "renew", ...exec]);
  assert.deepEqual([second["changed"], second["executed"]], [false, false]);
  assert.equal(Deno.readTextFileSync(log), `|${machine.home}\n`);
  const failed = await machine.run(["identity", "renew", "--force", "--exec", "exit 7"]);
  assert.equal(failed.status, 5);
  assert.match(failed.stdout, /^renewed/);
  assert.match(failed.stderr, /its status is 7/);
});

async function openssl(machine: Machine, ca: string, leaf: string): Promise<void> {
  Deno.writeTextFileSync(`${machine.home}/ca.pem`, ca);
  Deno.writeTextFileSync(`${machine.home}/leaf.pem`, leaf);
  const { status, err } = await runProcess({
    argv: [
      "/usr/bin/openssl",
      "verify",
      "-x509_strict",
      "-purpose",
      "sslclient",
      "-CAfile",
      `${machine.home}/ca.pem`,
      `${machine.home}/leaf.pem`,
    ],
  });
  assert.equal(status, 0, err);
}

/** Gives a device the id of another one; its identity key stays its own. */
async function takeName(impostor: Machine, deviceId: string): Promise<void> {
  const directory = `${impostor.stateRoot}/identity`;
  using store = (await openIdentityStore(denoPlatform, directory, NO_ACCESS))!;
  using record = (await store.get("device"))!;
  const device = { ...JSON.parse(decodeUtf8(record.reveal())!), device_id: deviceId };
  using content = new SensitiveBytes(encodeUtf8(JSON.stringify(device)));
  await store.replace("device", content);
}

Deno.test("a renewal asks for what the certificate is for, and as long, unless a flag says otherwise", async () => {
  using approver = makeMachine();
  using joiner = makeMachine();
  await pairMachines(approver, joiner, ["--usage", "server", "--validity", "30d"]);
  const asked = JSON.parse((await joiner.succeed(["identity", "csr"])).stdout);
  assert.deepEqual([asked.usages, asked.validity_s], [["serverAuth"], 2_592_000]);
  const other = JSON.parse((await joiner.succeed(["identity", "csr", "--validity", "1h"])).stdout);
  assert.deepEqual([other.usages, other.validity_s], [["serverAuth"], 3_600]);
});
