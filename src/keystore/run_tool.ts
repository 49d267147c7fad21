/** Starting the program of a keystore: with which variables, and what it means when that fails. */

import { isPalyraError } from "../errors.ts";
import type {
  Environment,
  Processes,
  ProcessRequest,
  ProcessResult,
} from "../platform/platform.ts";
import { keystoreFailure } from "./failure.ts";
import type { KeystoreKind } from "./keystore.ts";

/** Runs the program. Throws `unavailable` with the cause `no_tool` when it cannot be started. */
export async function runTool(
  processes: Processes,
  kind: KeystoreKind,
  request: ProcessRequest,
): Promise<ProcessResult> {
  try {
    return await processes.run(request);
  } catch (error) {
    if (!isPalyraError(error, "unavailable") && !isPalyraError(error, "denied")) throw error;
    throw keystoreFailure(kind, "no_tool");
  }
}

/** The whole environment of a tool: these variables as they are, where they are set, and `given`. */
export function toolEnvironment(
  environment: Environment,
  names: readonly string[],
  given: Readonly<Record<string, string>>,
): Record<string, string> {
  const env = { ...given };
  for (const name of names) {
    const value = environment.get(name);
    if (value !== undefined) env[name] = value;
  }
  return env;
}
