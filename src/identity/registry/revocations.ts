/** The certificate revocation list of this CA. */

import type { DeviceCa } from "../ca_certificate.ts";
import { makeRevocationList } from "../../x509/revocation_list.ts";
import { SKEW_MS } from "./certificates.ts";
import type { Registry } from "./registry.ts";
import { numberOf, optionalNumberOf, textOf } from "./rows.ts";
import { CERTIFICATES, LISTS } from "./tables.ts";

/** A list that was written. */
export interface RevocationList {
  /** DER. */
  readonly list: Uint8Array<ArrayBuffer>;
  /** One more with every list. */
  readonly number: number;
  readonly entries: number;
  readonly nextUpdate: Date;
}

/**
 * Writes and signs a list of what is revoked and has not expired. `validityMs`: when who uses it must
 * have the next one.
 */
export async function writeRevocationList(
  { platform, rows }: Registry,
  ca: DeviceCa,
  validityMs: number,
): Promise<RevocationList> {
  const now = platform.clock.now();
  const { number, revoked } = await rows.database.write(async () => {
    const last = await rows.get(LISTS, 1);
    const number = (last === undefined ? 0 : numberOf(last, "number")) + 1;
    await rows.put(LISTS, { one: 1, number });
    // All are read and checked: a condition would pass over what was altered so as not to meet it.
    const issued = await rows.all(CERTIFICATES, "ORDER BY revoked_at, serial");
    const revoked = issued.filter((row) =>
      optionalNumberOf(row, "revoked_at") !== undefined &&
      numberOf(row, "not_after") >= now - SKEW_MS // still good to a clock that is behind
    );
    return { number, revoked };
  });
  const nextUpdate = new Date(now + validityMs);
  const list = await makeRevocationList(ca, {
    number,
    thisUpdate: new Date(now - SKEW_MS), // who finds a list to be of the future lets nobody in
    nextUpdate,
    revocations: revoked.map((row) => ({
      serial: Uint8Array.fromHex(evenly(textOf(row, "serial"))),
      revokedAt: new Date(numberOf(row, "revoked_at")),
    })),
  });
  return { list, number, entries: revoked.length, nextUpdate };
}

function evenly(hex: string): string {
  return hex.length % 2 === 0 ? hex : `0${hex}`;
}
