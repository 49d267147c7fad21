/** The manual page, made from the definitions of the commands (man(7)). */

import {
  type Application,
  type CommandContext,
  generateHelpTextForAllCommands,
} from "@stricli/core";
import { EXIT_STATUSES, OTHER_STATUSES } from "../../src/cli/exit_status.ts";
import { application } from "../../src/cli/framework.ts";
import { GLOBAL_FLAGS } from "../../src/cli/global_flags.ts";

const DESCRIPTION = [
  "palyra keeps the secrets of scripts, CI jobs and agents encrypted on their machine, and gives them " +
  "back by reference: one program, no daemon, no account, no configuration needed.",
  "A reference is SCOPE/NAME or vault://SCOPE/NAME, with #N for a version; vault://NAME means " +
  "global/NAME. Scopes are global, principal:ID, agent:ID, channel:NAME:ACCOUNT, skill:ID, and " +
  "session:ID, whose secrets expire.",
];
const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ["PALYRA_STATE_ROOT", "Where the vault and the identity are, as --state-root"],
  ["PALYRA_CONFIG", "The configuration file, as --config"],
  ["PALYRA_VAULT_BACKEND", "What keeps the vault key"],
  ["PALYRA_RUNTIME_DIR", "Where the single file unpacks itself"],
  ["NO_COLOR", "No colours"],
];

/** Nothing is run here, so the context that commands run in is of no matter. */
const COMMANDS = application as unknown as Application<CommandContext>;

/** The page in section 1. */
export function manPage(version: string): string {
  return [
    `.TH PALYRA 1 "" "palyra ${escape(version)}" "User Commands"`,
    ".ad l", // long words are not spaced out
    ".nh",
    ".SH NAME",
    "palyra \\- secrets for scripts, CI jobs and agents",
    ".SH SYNOPSIS",
    ".B palyra",
    ".I command",
    "[\\fIflags\\fR] [\\fIarguments\\fR]",
    ".SH DESCRIPTION",
    ...DESCRIPTION.flatMap((paragraph) => [".PP", escape(paragraph)]),
    ".SH OPTIONS",
    "Of every command, before or after its name:",
    ...GLOBAL_FLAGS.flatMap(([flag, brief]) => entry(flag, brief)),
    ".SH COMMANDS",
    ...generateHelpTextForAllCommands(COMMANDS).flatMap(([name, help]) => command(name, help)),
    ".SH EXIT STATUS",
    ...statuses(),
    ".SH ENVIRONMENT",
    ...ENVIRONMENT.flatMap(([name, meaning]) => entry(name, meaning)),
    "",
  ].join("\n");
}

function command(name: string, help: string): string[] {
  const parts = new Map<string, string[]>([["", []]]);
  let lines = parts.get("")!;
  for (const line of help.trimEnd().split("\n")) {
    if (/^[A-Z]+$/.test(line)) parts.set(line, lines = []);
    else if (lines.length > 0 || line !== "") lines.push(line);
  }
  const usage = parts.get("USAGE") ?? [];
  const end = usage.indexOf("");
  const forms = usage.slice(0, end).filter((line) => !line.endsWith(" --help"));
  const flags = (parts.get("FLAGS") ?? []).filter((line) => !/^\s+(?:-h\s|--\s)/.test(line));
  return [
    `.SS ${escape(name)}`,
    ...forms.flatMap((form) => [`\\fB${escape(form.trim())}\\fR`, ".br"]),
    ".PP",
    ...usage.slice(end + 1).filter((line) => line !== "").flatMap((line) => [escape(line), ".br"]),
    ...[...flags, ...parts.get("ARGUMENTS") ?? []].flatMap(row),
  ];
}

/** A row of a table of flags or arguments: what it is called, and after two blanks what it means. */
function row(line: string): string[] {
  const match = /^\s*(\S+)\s{2,}(.*)$/.exec(line);
  return match === null ? [] : entry(match[1]!.replace(/^\[(.*)\]$/, "$1"), match[2]!);
}

function statuses(): string[] {
  const rows = [...Object.values(EXIT_STATUSES), ...OTHER_STATUSES]
    .toSorted((a, b) => a.status - b.status);
  return rows.flatMap(({ status, when }) => entry(`${status}`, when));
}

function entry(term: string, meaning: string): string[] {
  return [".TP", `\\fB${escape(term)}\\fR`, escape(meaning.trim())];
}

/** No line begins with a request, every minus can be copied, and all is ASCII (groff_char(7)). */
function escape(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^([.'])/, "\\&$1")
    .replaceAll(/[^\x20-\x7e]/gu, (one) => {
      return `\\[u${one.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}]`;
    });
}
