/** `palyra version`: the version, and with JSON what it was built on. */

import { VERSION } from "../../version.ts";
import type { App } from "../app.ts";
import type { RecordView } from "../view.ts";

/** Tells versions. Touches no store. */
export function version({ platform }: App): RecordView {
  const { os } = platform.environment;
  return {
    kind: "record",
    json: { version: VERSION, os, formats: { json: 1, vault: 1, identity: 1 } },
    text: `palyra ${VERSION}`,
  };
}
