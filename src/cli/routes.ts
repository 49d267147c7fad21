/** The tree of commands: start here to find the function behind a command line. */

import { buildCommand, buildRouteMap, type Command, type RouteMap } from "@stricli/core";
import type { App } from "./app.ts";
import { oneOf, references } from "./candidates.ts";
import { type CommandContext, load, type NoFlags, required } from "./command.ts";
import type { Shell } from "./commands/completions.ts";
import type { DoctorFlags } from "./commands/doctor.ts";
import { CHECK_IDS } from "./doctor/check.ts";
import type { InitFlags } from "./commands/init.ts";
import type { ResolveFlags } from "./commands/resolve.ts";
import { flag, text } from "./flags.ts";
import { authRoutes } from "./routes/auth.ts";
import { configRoutes } from "./routes/config.ts";
import { identityRoutes } from "./routes/identity.ts";
import { devicesRoutes, pairingRoutes } from "./routes/pairing.ts";
import { protocolRoutes } from "./routes/protocols.ts";
import { secretsRoutes } from "./routes/secrets.ts";
import { inject, redact, run } from "./routes/use.ts";
import { vaultRoutes } from "./routes/vault.ts";
import { GLOBAL_FLAGS } from "./global_flags.ts";
import { BACKEND_KINDS } from "../vault/backend.ts";
import { PROTECTORS } from "../identity/protector.ts";

const init = buildCommand<InitFlags, [], CommandContext>({
  loader: load(async () => (await import("./commands/init.ts")).init),
  parameters: {
    flags: {
      backend: text(
        "kind",
        `What keeps the vault key: auto, ${BACKEND_KINDS.join(", ")}`,
        oneOf(["auto", ...BACKEND_KINDS]),
      ),
      protect: text(
        "how",
        `What protects the identity: ${PROTECTORS.join(", ")}`,
        oneOf(PROTECTORS),
      ),
    },
  },
  docs: {
    brief: "Make the state root, the identity and the vault",
    fullDescription:
      "Make the state root, the identity and the vault.\nA second run reports what is there and changes nothing.",
  },
});

const resolve = buildCommand<ResolveFlags, string[], CommandContext>({
  loader: load(async () => (await import("./commands/resolve.ts")).resolve),
  parameters: {
    flags: {
      format: {
        kind: "enum",
        values: [
          "raw",
          "json",
          "sh",
          "dotenv",
          "docker-env",
          "systemd-env",
          "github",
          "gitlab",
          "azure",
          "buildkite",
        ],
        optional: true,
        brief: "How values are printed",
      },
      ci: {
        kind: "enum",
        values: ["auto"],
        optional: true,
        brief: "auto: in the format of the CI around",
      },
      out: text("file", "Write to a file of mode 0600 in one step, instead of standard output"),
      all: flag("Every reference in the config"),
      "allow-unmasked": flag("Also where the CI cannot mask a value: gitlab, buildkite"),
    },
    positional: {
      kind: "array",
      parameter: required(
        "ref",
        "SCOPE/NAME[#N], vault://…, env:VARIABLE, file:/PATH, auth:PROFILE, config:FIELD, or NAME=REF",
        references,
      ),
    },
  },
  docs: {
    brief: "Print the values of references",
    fullDescription: "Print the values of references.\n" +
      "One reference prints its exact bytes. Several, NAME=REF, or --all, need a --format.\n" +
      "github, azure, buildkite: every value is masked before any is exported. What a format cannot\n" +
      "hold is refused before anything is written.",
  },
});

const exitCodes = buildCommand<NoFlags, [], CommandContext>({
  loader: load(async () => (await import("./commands/help_exit_codes.ts")).helpExitCodes),
  parameters: {},
  docs: { brief: "The table of exit statuses" },
});

function completionsOf(shell: Shell): Command<CommandContext> {
  return buildCommand<NoFlags, [], CommandContext>({
    loader: load(async () => {
      const { completions } = await import("./commands/completions.ts");
      return (app: App, flags: NoFlags) => completions(app, flags, shell);
    }),
    parameters: {},
    docs: { brief: `The completion script for ${shell}` },
  });
}

const version = buildCommand<NoFlags, [], CommandContext>({
  loader: load(async () => (await import("./commands/version.ts")).versionCommand),
  parameters: {},
  docs: { brief: "The version of palyra" },
});

const doctor = buildCommand<DoctorFlags, [], CommandContext>({
  loader: load(async () => (await import("./commands/doctor.ts")).doctor),
  parameters: {
    flags: {
      only: text("check", "One check, with its parts", oneOf(CHECK_IDS)),
      strict: flag("Exit 10 for warnings too"),
    },
  },
  docs: {
    brief: "Look at everything that palyra depends on, and say what to do",
    fullDescription: "Look at everything that palyra depends on, and say what to do.\n" +
      `Changes nothing. Checks: ${CHECK_IDS.join(", ")}.`,
  },
});

/** All commands. */
export const routes: RouteMap<CommandContext> = buildRouteMap({
  routes: {
    init,
    secrets: secretsRoutes,
    resolve,
    run,
    inject,
    redact,
    vault: vaultRoutes,
    identity: identityRoutes,
    pairing: pairingRoutes,
    devices: devicesRoutes,
    auth: authRoutes,
    config: configRoutes,
    helper: protocolRoutes,
    doctor,
    completions: buildRouteMap({
      routes: {
        bash: completionsOf("bash"),
        zsh: completionsOf("zsh"),
        fish: completionsOf("fish"),
        powershell: completionsOf("powershell"),
      },
      docs: { brief: "Print a script that makes a shell complete palyra" },
    }),
    help: buildRouteMap({
      routes: { "exit-codes": exitCodes },
      docs: { brief: "Further help: exit-codes" },
    }),
    version,
  },
  docs: {
    brief: "Secrets for scripts, CI jobs and agents",
    fullDescription: [
      "Secrets for scripts, CI jobs and agents: stored encrypted, read back by reference.",
      "",
      "Flags of every command, before or after its name:",
      ...GLOBAL_FLAGS.map(([flag, brief]) => `  ${flag.padEnd(24)}${brief}`),
    ].join("\n"),
  },
});
