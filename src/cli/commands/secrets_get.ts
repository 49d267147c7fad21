/** `palyra secrets get`: metadata of a secret, or with `--reveal` its exact bytes. */

import { decodeUtf8 } from "../../crypto/encoding.ts";
import { readOldestDate, readSecret } from "../../vault/read_secret.ts";
import { formatSecretId } from "../../vault/vault_ref.ts";
import type { App } from "../app.ts";
import { openVaultToRead } from "../stores.ts";
import type { BytesView, RecordView } from "../view.ts";
import { versionArgument } from "./secret_argument.ts";

/** Flags of `secrets get`. */
export interface SecretsGetFlags {
  readonly reveal?: boolean | undefined;
}

/** Opens the version in any case: what is told of it has been authenticated. */
export async function secretsGet(
  app: App,
  flags: SecretsGetFlags,
  first: string,
  second?: string,
): Promise<RecordView | BytesView> {
  const ref = versionArgument(first, second);
  using vault = await openVaultToRead(app, { opensValues: true });
  const opened = await readSecret(vault, ref);
  const { value: bytes, version, createdAt, expiresAt } = opened;
  const dispose = (): void => opened[Symbol.dispose]();
  if (flags.reveal && app.options.format === "text") {
    if (app.platform.terminal.outputIsTerminal()) {
      app.note("the value is shown on the terminal and may stay in its scroll-back");
    }
    return { kind: "bytes", bytes, newlineOnTerminal: true, [Symbol.dispose]: dispose };
  }
  using _wiped = opened;
  const oldestAt = await readOldestDate(vault, ref);
  const name = formatSecretId(ref);
  const dates = { created_at: oldestAt ?? createdAt, updated_at: createdAt, expires_at: expiresAt };
  const lines = [
    `${name} version ${version}`,
    `created  ${dates.created_at}`,
    `updated  ${dates.updated_at}`,
    ...(expiresAt === undefined ? [] : [`expires  ${expiresAt}`]),
    "value    <redacted>",
  ];
  const { fieldsOfConfig } = await import("../referred_by.ts");
  const referredBy = await fieldsOfConfig(app);
  const usedBy = referredBy?.get(name) ?? [];
  if (usedBy.length > 0) lines.splice(-1, 0, `used by  ${usedBy.join(", ")}`);
  const shown = flags.reveal ? revealed(bytes.reveal()) : {};
  return {
    kind: "record",
    json: {
      ref: name,
      version,
      ...dates,
      ...(referredBy === undefined ? {} : { referred_by: usedBy }),
      ...shown,
    },
    text: lines.join("\n"),
  };
}

function revealed(bytes: Uint8Array): { value: string } | { base64: string } {
  const text = decodeUtf8(bytes);
  return text === undefined ? { base64: bytes.toBase64() } : { value: text };
}
