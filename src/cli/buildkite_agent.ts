/** Buildkite's agent: it is told what to redact before anything is exported. */

import { encodeUtf8 } from "../crypto/encoding.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import type { App } from "./app.ts";

const AGENT = "buildkite-agent";
/** How the agent's command line finds the job that it belongs to; nothing else is passed on. */
const PASSED_ON = ["BUILDKITE_AGENT_JOB_API_SOCKET", "BUILDKITE_AGENT_JOB_API_TOKEN"];
const TIMEOUT_MS = 30_000;
const MAX_OUTPUT_BYTES = 65_536;

/** Gives texts to the redactor. Throws `unavailable` when there is no agent, or it does not take them. */
export async function redact({ platform }: App, json: string): Promise<void> {
  const { environment, processes } = platform;
  const program = processes.find(AGENT, environment.get("PATH"));
  if (program === undefined) {
    throw new PalyraError("unavailable", `Cannot redact: there is no ${AGENT} in PATH`);
  }
  const env: Record<string, string> = {};
  for (const name of PASSED_ON) {
    const value = environment.get(name);
    if (value !== undefined) env[name] = value;
  }
  using stdin = new SensitiveBytes(encodeUtf8(json));
  const { status, failure } = await processes.run({
    argv: [program, "redactor", "add", "--format", "json"],
    env,
    stdin: stdin.reveal(),
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_OUTPUT_BYTES,
  });
  if (failure === undefined && status === 0) return;
  const why = failure ?? `it ended with status ${status}`;
  throw new PalyraError("unavailable", `Cannot redact: ${AGENT} did not take the values (${why})`);
}
