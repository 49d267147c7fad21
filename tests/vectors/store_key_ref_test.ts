/** palyra against the vectors of `store.key.ref`, which another implementation made. */

import assert from "node:assert/strict";
import { argon2id } from "../../src/crypto/argon2.ts";
import { decodeBase64Url, encodeUtf8 } from "../../src/crypto/encoding.ts";
import { SensitiveBytes } from "../../src/crypto/sensitive_bytes.ts";
import {
  formatReference,
  parseReference,
  type ProtectorPlace,
  sealStoreKey,
} from "../../src/identity/key_reference.ts";
import { readStoreKey } from "../../src/identity/store_key.ts";
import { openQuickService } from "../support/quick_secret_tool.ts";
import { countRefusals, type OpeningVector, readVectors } from "./vector_file.ts";

const hex = Uint8Array.fromHex;

interface Given {
  readonly file: string;
  /** What the keystore holds, whatever the name of the item. */
  readonly item: string;
  readonly passphrase: string;
}

type Gives = { readonly store_key: string };

const references = readVectors<Given, Gives>("store_key_ref");

Deno.test("every reference opens to its store key", async () => {
  for (const { name, given, gives } of references.opens) {
    if (!isOfLinux(given)) continue; // the others are opened on their own systems
    using key = await open(given);
    assert.equal(key?.reveal().toHex(), gives.store_key, name);
  }
  assert.equal(references.opens.length, 8);
});

Deno.test("every reference that is not as it was written is refused", async () => {
  const outcome = await countRefusals(references.refused, open);
  assert.deepEqual(outcome, { accepted: [], count: 63 });
});

Deno.test("with the same nonce palyra writes the same reference, for every keystore", async () => {
  for (const { name, given, gives, drawn, steps } of references.opens) {
    const { place } = parseReference(encodeUtf8(given.file), "file");
    using storeKey = new SensitiveBytes(hex(gives.store_key));
    using key = new SensitiveBytes(await protectingKey(place, given));
    assert.equal(key.reveal().toHex(), steps["protecting_key"], name);
    const nonce = hex(drawn["nonce"]!);
    const reference = await sealStoreKey(storeKey, place, { key, nonce });
    assert.equal(formatReference(reference), given.file, name);
  }
});

/** As a command opens it: the file in a directory, the item in a Secret Service. */
async function open({ file, item, passphrase }: Given): Promise<SensitiveBytes | undefined> {
  const root = Deno.makeTempDirSync({ prefix: "palyra-test-" });
  try {
    const service = openQuickService(root);
    const directory = `${root}/.identity`;
    Deno.mkdirSync(directory, { mode: 0o700 });
    Deno.writeTextFileSync(`${directory}/store.key.ref`, file, { mode: 0o600 });
    const { holder, id } = namesIn(file);
    service.set(`application palyra identity ${holder} kind canary`, "PCN1.palyra");
    service.set(`application palyra identity ${holder} kind store_key id ${id}`, item);
    return await readStoreKey(service.platform, directory, {
      mayUnlock: false,
      passphrase: () => Promise.resolve(new SensitiveBytes(hex(passphrase))),
    });
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

/** The names in a file, of any form. */
function namesIn(file: string): { readonly holder: string; readonly id: string } {
  const nameOf = (member: string): string =>
    new RegExp(`"${member}":"([0-9a-f]{32})"`).exec(file)?.[1] ?? "0".repeat(32);
  return { holder: nameOf("holder"), id: nameOf("id") };
}

function isOfLinux({ file }: Given): boolean {
  return !/"backend":"(?:macos|windows)/.test(file);
}

async function protectingKey(
  place: ProtectorPlace,
  { item, passphrase }: OpeningVector<Given, Gives>["given"],
): Promise<Uint8Array<ArrayBuffer>> {
  if (place.protector === "passphrase") {
    return await argon2id(hex(passphrase), place.salt, place.cost);
  }
  return decodeBase64Url(item.replace("PSK1.", ""))!;
}
