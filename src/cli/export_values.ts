/** Values as variables of an environment: for shells, env files and CI, masked before they are exported. */

import { exportToAzure } from "../ci/azure.ts";
import { exportToBuildkite } from "../ci/buildkite.ts";
import type { CiFormat } from "../ci/detect.ts";
import { formatDockerEnv } from "../ci/docker_env.ts";
import { formatDotenv } from "../ci/dotenv.ts";
import { exportToGithub } from "../ci/github.ts";
import { formatGitlab } from "../ci/gitlab.ts";
import { formatShell } from "../ci/shell.ts";
import { formatSystemdEnv } from "../ci/systemd_env.ts";
import { cannotExport, requireVariableName, variableName } from "../ci/variable.ts";
import { decodeUtf8, encodeUtf8 } from "../crypto/encoding.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import type { App } from "./app.ts";
import type { BytesView, SilentView } from "./view.ts";
import type { Wanted } from "./wanted.ts";

/** Formats that are variables. */
export type ExportFormat = "sh" | "dotenv" | "docker-env" | "systemd-env" | CiFormat;

/** A format, and where its output goes: everything that can be wrong before a value is read. */
export interface ExportTarget {
  readonly format: ExportFormat;
  /** A file; without one standard output. */
  readonly path: string | undefined;
  readonly allowUnmasked: boolean;
}

const GITHUB_FILE = "GITHUB_ENV";
const ENV_FILES = {
  "sh": formatShell,
  "dotenv": formatDotenv,
  "docker-env": formatDockerEnv,
  "systemd-env": formatSystemdEnv,
} as const;

/** Checks where the output is to go. Throws `usage`. */
export function prepareExport(
  { platform }: App,
  format: ExportFormat,
  flags: { readonly out?: string | undefined; readonly "allow-unmasked"?: boolean | undefined },
): ExportTarget {
  const { out, "allow-unmasked": allowUnmasked = false } = flags;
  const path = out ?? (format === "github" ? platform.environment.get(GITHUB_FILE) : undefined);
  if (format === "github" && (path === undefined || path === "")) {
    throw new PalyraError("usage", `Cannot export: ${GITHUB_FILE} is not set`, {
      hint: "Name the file with --out",
    });
  }
  if (format === "gitlab" && (path === undefined || !allowUnmasked)) {
    throw new PalyraError("usage", "Cannot export: GitLab does not mask what is in a report", {
      hint: "If that is what you want, add --allow-unmasked and --out FILE",
    });
  }
  if (format === "azure" && out !== undefined) {
    throw new PalyraError("usage", "Cannot use --out: Azure reads standard output");
  }
  return { format, path, allowUnmasked };
}

/** The name of each variable. Throws `usage` for a name that the user gave and that is none. */
export function requireNames(wanted: readonly Wanted[]): string[] {
  return wanted.map((one) => {
    if (one.named) requireVariableName(one.name);
    return nameOf(one);
  });
}

/**
 * Everything that a format cannot hold is refused before anything is written; everything is masked
 * before anything is exported. Throws `usage` for what cannot be exported.
 */
export async function exportValues(
  app: App,
  { format, path, allowUnmasked }: ExportTarget,
  wanted: readonly Wanted[],
  values: readonly (SensitiveBytes | undefined)[],
): Promise<BytesView | SilentView> {
  const variables = wanted.flatMap((one, at) => {
    const value = values[at];
    return value === undefined ? [] : [{ name: nameOf(one), text: textOf(nameOf(one), value) }];
  });
  const { userFiles, random } = app.platform;
  if (format === "github") {
    const id = uuidOf(random.bytes(16));
    const { masks, file } = exportToGithub(variables, id);
    return printed(masks, () => writeWiped(file, (bytes) => userFiles.append(path!, bytes)));
  }
  if (format === "azure") return printed(exportToAzure(variables));
  let text: string;
  if (format === "buildkite") {
    const { redactions, environment } = exportToBuildkite(variables, allowUnmasked);
    const { redact } = await import("./buildkite_agent.ts");
    await redact(app, redactions);
    text = environment;
  } else if (format === "gitlab") {
    text = formatGitlab(variables);
    app.note(`${path} is not masked, and stays readable as an artifact of the job`);
  } else {
    text = ENV_FILES[format](variables);
  }
  if (path === undefined) return printed(text);
  writeWiped(text, (bytes) => userFiles.replace(path, bytes));
  return { kind: "silent" };
}

function nameOf({ name, named, stem }: Wanted): string {
  return named ? name : variableName(stem);
}

function textOf(name: string, value: SensitiveBytes): string {
  const text = decodeUtf8(value.reveal());
  if (text === undefined) throw cannotExport({ name }, "its value is not valid UTF-8");
  if (text.includes("\0")) throw cannotExport({ name }, "its value has a zero byte in it");
  return text;
}

function printed(text: string, afterwards?: () => void): BytesView {
  const bytes = new SensitiveBytes(encodeUtf8(text));
  return {
    kind: "bytes",
    bytes,
    newlineOnTerminal: false,
    ...(afterwards === undefined ? {} : { afterwards }),
    [Symbol.dispose]: () => bytes[Symbol.dispose](),
  };
}

function writeWiped(text: string, write: (bytes: Uint8Array) => void): void {
  using bytes = new SensitiveBytes(encodeUtf8(text));
  write(bytes.reveal());
}

/** The form of RFC 9562, version 4. */
function uuidOf(bytes: Uint8Array): string {
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toHex().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
