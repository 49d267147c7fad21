/** `palyra pairing code`: a code with which one device may ask to be paired with this one. */

import { decodeUtf8 } from "../../crypto/encoding.ts";
import { PalyraError } from "../../errors.ts";
import {
  createCode,
  DEFAULT_LIFETIME_MS,
  LIFETIME_BOUNDS_MS,
} from "../../identity/pairing/codes.ts";
import type { App } from "../app.ts";
import { openOrMakeAuthority } from "../identities.ts";
import { parseDuration } from "../values.ts";
import type { RecordView } from "../view.ts";

/** Flags of `pairing code`. */
export interface PairingCodeFlags {
  readonly ttl?: string | undefined;
  readonly qr?: boolean | undefined;
}

/** Makes a code and shows it, this once: as a picture on a terminal, and as text. */
export async function pairingCode(app: App, flags: PairingCodeFlags): Promise<RecordView> {
  const lifetimeMs = parseLifetime(flags.ttl);
  using authority = await openOrMakeAuthority(app);
  using code = await createCode(authority.registry, authority.ca, lifetimeMs);
  const text = decodeUtf8(code.text.reveal())!;
  const expiresAt = new Date(code.expiresAt).toISOString();
  const isShown = flags.qr || app.platform.terminal.outputIsTerminal();
  const picture = isShown && app.options.format === "text"
    ? [(await import("../qr_code.ts")).qrCode(text)]
    : [];
  app.note(`good until ${expiresAt}, for one request; it is not shown again`);
  return {
    kind: "record",
    json: {
      code: text,
      code_id: code.codeId,
      created_at: new Date(code.createdAt).toISOString(),
      expires_at: expiresAt,
      ca_fingerprint: authority.ca.fingerprint,
    },
    text: [...picture, text].join("\n"),
  };
}

/** How long a code or a request is good, in milliseconds. Throws `usage`. */
export function parseLifetime(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LIFETIME_MS;
  const lifetimeMs = parseDuration(text, "--ttl");
  const [least, most] = LIFETIME_BOUNDS_MS;
  if (lifetimeMs >= least && lifetimeMs <= most) return lifetimeMs;
  throw new PalyraError("usage", "Cannot use --ttl: it goes from 30s to 24h");
}
