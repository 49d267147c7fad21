/** `palyra redact`: passes standard input on, without the values of some references. */

import { PalyraError } from "../../errors.ts";
import { maskFor } from "../../masking/mask.ts";
import type { App } from "../app.ts";
import type { NoFlags } from "../command.ts";
import { readWanted } from "../read_wanted.ts";
import type { SilentView } from "../view.ts";
import { namedAs } from "../wanted.ts";

/** Every value is read, and can be masked, before anything is passed on. */
export async function redact(app: App, _flags: NoFlags, ...refs: string[]): Promise<SilentView> {
  if (refs.length === 0) {
    throw new PalyraError("usage", "Cannot redact: name at least one reference");
  }
  using read = await readWanted(app, [...new Set(refs)].map((ref) => namedAs(ref, ref)));
  using mask = maskFor(read.all.map(({ wanted, value }) => ({
    name: wanted.name,
    bytes: value.reveal(),
  })));
  await app.platform.streams.filterInput(mask.stream());
  return { kind: "silent" };
}
