/** `palyra run`: the user's own command, with values in the place of references in its environment. */

import { decodeUtf8 } from "../../crypto/encoding.ts";
import { PalyraError } from "../../errors.ts";
import type { ForegroundEnd } from "../../platform/foreground.ts";
import type { App } from "../app.ts";
import { type Read, readWanted } from "../read_wanted.ts";
import type { StatusView } from "../view.ts";
import { planVariables, type VariableFlags } from "../run_variables.ts";

/** Flags of `run`. */
export interface RunFlags extends VariableFlags {
  readonly mask?: boolean | undefined;
}

/** Every value is read before anything is started. */
export async function runCommand(
  app: App,
  flags: RunFlags,
  ...command: string[]
): Promise<StatusView> {
  const [program, ...args] = command;
  if (program === undefined) {
    throw new PalyraError("usage", "Cannot run: no command is given", {
      hint: "It stands behind --, as in palyra run -- env",
    });
  }
  const foreground = await app.platform.foreground();
  const inherited = foreground.variables();
  const plan = await planVariables(app, flags, inherited);
  using read = await readWanted(app, plan.asked, { all: plan.all, choose: plan.choose });
  const variables = new Map(plan.plain);
  for (const one of read.all) variables.set(plan.nameOf(one.wanted), textOf(one, plan.nameOf));
  using mask = flags.mask && read.all.length > 0
    ? await maskOf(read.all.map((one) => ({ ...one, name: plan.nameOf(one.wanted) })))
    : undefined;
  const end = await foreground.run({
    command: [program, ...args],
    path: variables.get("PATH") ?? inherited.get("PATH"),
    cleared: plan.cleared,
    dropped: plan.dropped,
    variables,
    filter: mask?.stream,
  });
  return viewOf(end);
}

function viewOf({ status, failure, endAlike }: ForegroundEnd): StatusView {
  return {
    kind: "status",
    status,
    ...(failure === undefined ? {} : { failure }),
    ...(endAlike === undefined ? {} : { endAlike }),
  };
}

function textOf({ wanted, value }: Read, nameOf: (wanted: Read["wanted"]) => string): string {
  const text = decodeUtf8(value.reveal());
  const why = text === undefined
    ? "is not valid UTF-8"
    : text.includes("\0")
    ? "has a zero byte in it"
    : undefined;
  if (why === undefined) return text!;
  throw new PalyraError("usage", `Cannot set ${nameOf(wanted)}: its value ${why}`);
}

async function maskOf(
  read: readonly (Read & { readonly name: string })[],
): Promise<ReturnType<typeof import("../../masking/mask.ts").maskFor>> {
  const { maskFor } = await import("../../masking/mask.ts");
  return maskFor(read.map(({ name, value }) => ({ name, bytes: value.reveal() })));
}
