/** The small program that a client runs: it needs no environment, and gives palyra all that it needs. */

import { PalyraError } from "../../errors.ts";
import type { OwnProgram } from "../../platform/platform.ts";
import type { Client } from "./client.ts";

/** What a wrapper holds. */
export interface WrapperContent {
  readonly program: OwnProgram;
  readonly stateRoot: string;
  readonly config: string;
  /** For clients that name no label themselves. */
  readonly label: string | undefined;
}

const MARK = "# Written by palyra helper install";
/** What would steer the runtime; see the launcher of the single file, which does the same. */
const STEERING =
  "NODE_OPTIONS COMPLETE DENO_DIR DENO_V8_FLAGS DENO_COVERAGE_DIR DENO_NO_UPDATE_CHECK " +
  "OTEL_DENO OTEL_DENO_TRACING OTEL_DENO_METRICS OTEL_DENO_CONSOLE";
/** palyra's own variables, which the wrapper decides. */
const OWN = "PALYRA_CONFIG PALYRA_STATE_ROOT PALYRA_VAULT_BACKEND PALYRA_LAUNCHER PALYRA_PROGRAM";
const LABEL = "LABEL";

/** The text of a wrapper. Throws `usage` for a path that no line of a script can hold. */
export function formatWrapper(name: string, client: Client, content: WrapperContent): string {
  const { program, stateRoot, config, label } = content;
  const fixed = (client.args ?? []).map((arg) => arg === LABEL ? label ?? client.label! : arg);
  const words = [
    ...program.argv,
    ...["--state-root", stateRoot, "--config", config],
    ...["helper", client.protocol, "--", ...fixed],
  ];
  const variables = Object.entries(program.variables)
    .map(([variable, value]) => `export ${variable}=${quoted(value)}`);
  return [
    "#!/bin/sh",
    `${MARK} ${name}; palyra helper uninstall ${name} removes it.`,
    `unset ${STEERING}`,
    `unset ${OWN}`,
    ...variables,
    `exec ${words.map(quoted).join(" ")} "$@"`,
    "",
  ].join("\n");
}

/** Whether a text is a wrapper: nothing else is ever replaced or removed. */
export function isWrapper(text: string): boolean {
  return text.startsWith(`#!/bin/sh\n${MARK} `);
}

function quoted(word: string): string {
  if (/\p{Cc}/u.test(word)) {
    throw new PalyraError("usage", "Cannot install: a path holds a control character");
  }
  return `'${word.replaceAll("'", "'\\''")}'`;
}
