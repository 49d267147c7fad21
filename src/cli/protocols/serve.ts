/** `palyra helper <protocol>`: one call of another program, answered in its own words and in no others. */

import { PalyraError } from "../../errors.ts";
import { OutputClosed } from "../../platform/platform.ts";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import type { Call, Failure, Protocol, Reply } from "../../protocols/protocol.ts";
import { App } from "../app.ts";
import { exitStatusOf } from "../exit_status.ts";
import { reportable } from "../output.ts";
import type { ReplyView } from "../view.ts";
import { credentialsOf } from "./credentials.ts";
import { standardInput } from "./input.ts";
import { knownProtocol } from "./known.ts";
import { rulesOf } from "./rules_of.ts";

/** Answers one call. Throws `usage` for a protocol that palyra does not speak, and nothing else. */
export async function serve(app: App, name: string, args: readonly string[]): Promise<ReplyView> {
  const known = knownProtocol(name);
  if (known === undefined) {
    throw new PalyraError("usage", "Cannot help: palyra does not speak this protocol", {
      hint: "palyra helper list tells which it speaks",
    });
  }
  const protocol = await known.load();
  const call = callOf(app, args[0] === "--" ? args.slice(1) : args);
  try {
    return viewOf(await answer(app, name, protocol, call));
  } catch (error) {
    if (error instanceof OutputClosed) throw error;
    return viewOf(protocol.failed(failureOf(error), call));
  }
}

async function answer(app: App, name: string, protocol: Protocol, call: Call): Promise<Reply> {
  const rules = await rulesOf(app, name, protocol);
  const client = { app: silent(app, rules.config?.location.path), name, protocol, rules };
  using credentials = credentialsOf(client);
  return await protocol.serve(call, credentials);
}

/** The same run, in which nobody is asked and nothing is told, with the config of the rules. */
function silent({ platform, options, version }: App, config: string | undefined): App {
  return new App(platform, {
    ...options,
    config,
    searchesConfig: false,
    quiet: true,
    verbose: false,
    interactive: false,
  }, version);
}

function callOf({ platform, version }: App, args: readonly string[]): Call {
  const { environment, clock, streams } = platform;
  return {
    args,
    input: standardInput(platform),
    variable: (name) => environment.get(name),
    now: () => clock.now(),
    writeFiles: async (directory, files) => {
      const { writeCredentials } = await import("./credentials_directory.ts");
      writeCredentials(platform, directory, files);
    },
    write: (text) => streams.writeOutput(encodeUtf8(text)),
    version,
  };
}

function failureOf(error: unknown): Failure {
  return { message: reportable(error).message, status: exitStatusOf(error) };
}

function viewOf({ status, output, error, hint }: Reply): ReplyView {
  return { kind: "reply", status, output, error, hint };
}
