/** `palyra version`: the version, and with JSON what it was built on. */

import type { App } from "../app.ts";
import type { RecordView } from "../view.ts";

/** Tells versions. Touches no store. */
export function versionCommand({ platform, version }: App): RecordView {
  const { os } = platform.environment;
  return {
    kind: "record",
    json: { version, os, formats: { json: 1, vault: 1, identity: 1 } },
    text: `palyra ${version}`,
  };
}
