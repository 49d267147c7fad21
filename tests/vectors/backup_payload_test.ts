/** palyra against the vectors of a backup's payload, which another implementation made. */

import assert from "node:assert/strict";
import { type BackupEntry } from "../../src/backup/entry.ts";
import { formatPayload, parsePayload } from "../../src/backup/payload.ts";
import { encodeBase64Url } from "../../src/crypto/encoding.ts";
import { SensitiveBytes } from "../../src/crypto/sensitive_bytes.ts";
import { assertFails } from "../support/failures.ts";
import { countRefusals, readVectors } from "./vector_file.ts";

type Bytes = Uint8Array<ArrayBuffer>;

interface Given {
  readonly payload: string;
}

interface Gives {
  readonly backup: {
    readonly device_id: string;
    readonly signer: string;
    readonly vault_id: string;
    readonly created_at: string;
    readonly entries: readonly (readonly unknown[])[];
  };
}

const vectors = readVectors<Given, Gives>("backup_payload");

Deno.test("every payload gives what it holds, and is written again to the same bytes", async () => {
  for (const { name, given, gives, drawn } of vectors.opens) {
    using backup = await open(given);
    const { createdAt, deviceId, vaultId, signer } = backup.manifest;
    assert.deepEqual(
      {
        device_id: deviceId,
        signer: encodeBase64Url(signer),
        vault_id: vaultId,
        created_at: createdAt,
        entries: backup.entries.map(itemsOf),
      },
      gives.backup,
      name,
    );
    const sign = await signerWith(Uint8Array.fromHex(drawn["private_key"]!));
    using again = await formatPayload(backup.manifest, backup.entries, sign);
    assert.equal(again.reveal().toHex(), given.payload, name);
  }
  assert.equal(vectors.opens.length, 3);
});

Deno.test("every payload that is not as it was written is refused", async () => {
  const outcome = await countRefusals(vectors.refused, open);
  assert.deepEqual(outcome, { accepted: [], count: 41 });
});

Deno.test("a payload of another version is not read", async () => {
  const [{ given }] = vectors.opens as [typeof vectors.opens[0] & object];
  const text = new TextDecoder("latin1").decode(Uint8Array.fromHex(given.payload));
  for (
    const [from, to] of [["palyra-backup-1", "palyra-backup-2"], ['"version":1', '"version":2']]
  ) {
    const changed = Uint8Array.from(text.replace(from!, to!), (letter) => letter.charCodeAt(0));
    await assertFails("usage", /later palyra/, () => parsePayload(new SensitiveBytes(changed)));
  }
});

async function open({ payload }: Given): ReturnType<typeof parsePayload> {
  return await parsePayload(new SensitiveBytes(Uint8Array.fromHex(payload)));
}

function itemsOf(entry: BackupEntry): unknown[] {
  const { scope, name } = entry.id;
  if (entry.kind === "deleted") {
    return ["deleted", scope, name, entry.lastVersion, entry.deletedAt, ""];
  }
  const { version, createdAt, expiresAt, value } = entry;
  return ["version", scope, name, version, createdAt, expiresAt ?? null, value.reveal().toHex()];
}

/** RFC 8410: what stands before the 32 bytes in PKCS #8. */
async function signerWith(key: Bytes): Promise<(message: Bytes) => Promise<Bytes>> {
  const prefix = Uint8Array.fromHex("302e020100300506032b657004220420");
  const pkcs8 = new Uint8Array([...prefix, ...key]);
  const imported = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
  return async (message) => new Uint8Array(await crypto.subtle.sign("Ed25519", imported, message));
}
