/** A program that sends one request under the environment it was started in, and prints what became of it. */

import { isPalyraError } from "../../src/errors.ts";
import { denoPlatform } from "../../src/platform/deno/platform.ts";
import { userVariables } from "../../src/platform/deno/user_variables.ts";
import type { WebPolicy } from "../../src/platform/web.ts";

const [url, policy] = Deno.args as [string, string];

async function probe(): Promise<unknown> {
  try {
    const send = (await denoPlatform.web()).client(JSON.parse(policy) as WebPolicy);
    const answer = await send(url);
    return { status: answer.status, body: await answer.text() };
  } catch (error) {
    if (!isPalyraError(error)) return { bug: String(error) };
    return { code: error.code, reason: error.details?.["reason"] };
  }
}

const start = performance.now();
const outcome = await probe();
const ms = Math.round(performance.now() - start);
const peakKib = Number(
  /VmHWM:\s*(\d+)/.exec(
    Deno.build.os === "linux" ? Deno.readTextFileSync("/proc/self/status") : "",
  )?.[1] ?? 0,
);
const proxy = userVariables().get("HTTPS_PROXY");
Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify({ outcome, ms, peakKib, proxy })));
