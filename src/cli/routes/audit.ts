/** The commands under `palyra secrets` that look at how secrets are used, and repair it. */

import { buildCommand, type Command } from "@stricli/core";
import { type CommandContext, load, type NoFlags, optional, required } from "../command.ts";
import { oneOf, references } from "../candidates.ts";
import type { SecretsAuditFlags } from "../commands/secrets_audit.ts";
import type { SecretsApplyFlags } from "../commands/secrets_apply.ts";
import type { SecretsPlanFlags } from "../commands/secrets_plan.ts";
import { flag, text } from "../flags.ts";

const audit = buildCommand<SecretsAuditFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/secrets_audit.ts")).secretsAudit),
  parameters: {
    flags: {
      strict: flag("Exit 10 when a finding is blocking"),
      scan: {
        kind: "parsed",
        parse: String,
        optional: true,
        variadic: true,
        placeholder: "path",
        brief: "Search a file or directory for values of the vault; may be given again",
        proposeCompletions: oneOf([]),
      },
      format: {
        kind: "enum",
        values: ["json", "sarif"],
        optional: true,
        brief: "json: the same as --json; sarif: SARIF 2.1.0, for code hosts and editors",
      },
    },
  },
  docs: {
    brief:
      "Resolve every reference of config and auth profiles, and find what should not be as it is",
    fullDescription:
      "Resolve every reference of config and auth profiles, and find what should not be as it is.\n" +
      "Findings have a code, a severity (blocking, warning, info), a place and a remedy; never a value.",
  },
});

const inventory = buildCommand<NoFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/secrets_inventory.ts")).secretsInventory),
  parameters: {},
  docs: {
    brief:
      "List every reference of config and auth profiles with its state and fingerprint; no values",
  },
});

const explain = buildCommand<NoFlags, [string], CommandContext>({
  loader: load(async () => (await import("../commands/secrets_explain.ts")).secretsExplain),
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [required("ref", "SCOPE/NAME, as list prints it, or a FIELD", references)],
    },
  },
  docs: { brief: "Tell where a reference is defined, who uses it, and why it would fail" },
});

const plan = buildCommand<SecretsPlanFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/secrets_plan.ts")).secretsPlan),
  parameters: { flags: { out: text("file", "Also write the plan to a file, for apply") } },
  docs: {
    brief: "List the steps that would repair what the audit finds",
    fullDescription: "List the steps that would repair what the audit finds.\n" +
      "A plan holds names, places and digests; never a value. Nothing is changed.",
  },
});

const apply = buildCommand<SecretsApplyFlags, [string?], CommandContext>({
  loader: load(async () => (await import("../commands/secrets_apply.ts")).secretsApply),
  parameters: {
    flags: { "dry-run": flag("Tell what would be done, and write nothing") },
    positional: {
      kind: "tuple",
      parameters: [optional("plan", "A file of palyra secrets plan --out; without it a new plan")],
    },
  },
  docs: {
    brief: "Do what a plan says: store, bind, verify, and only then scrub",
    fullDescription: "Do what a plan says: store, bind, verify, and only then scrub.\n" +
      "Exit 7 when what the plan was made from has changed. An interrupted one is gone on with.",
  },
});

/** To be put among the other commands under `palyra secrets`. */
export const auditRoutes: Readonly<
  Record<"audit" | "inventory" | "explain" | "plan" | "apply", Command<CommandContext>>
> = { audit, inventory, explain, plan, apply };
