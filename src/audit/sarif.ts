/**
 * Findings as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"), which code hosts and
 * editors read: the sections named below are of that standard.
 */

import { sha256Hex } from "../crypto/digest.ts";
import { encodeUtf8 } from "../crypto/encoding.ts";
import { type Finding, FINDING_CODES, type FindingCode, type Severity } from "./finding.ts";

const SCHEMA =
  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/** Section 3.27.10. */
const LEVELS: Readonly<Record<Severity, "error" | "warning" | "note">> = {
  blocking: "error",
  warning: "warning",
  info: "note",
};

/** One run with one result for each finding. */
export async function sarifOf(
  findings: readonly Finding[],
  version: string,
): Promise<Record<string, unknown>> {
  const ids = Object.keys(FINDING_CODES) as FindingCode[];
  const rules = ids.map((id) => ({
    id,
    shortDescription: { text: FINDING_CODES[id][1] },
    defaultConfiguration: { level: LEVELS[FINDING_CODES[id][0]] },
  }));
  const results = await Promise.all(findings.map((one) => resultOf(one, ids.indexOf(one.code))));
  return {
    $schema: SCHEMA,
    version: "2.1.0",
    runs: [{
      tool: { driver: { name: "palyra", version, rules } },
      columnKind: "utf16CodeUnits",
      results,
    }],
  };
}

async function resultOf(one: Finding, ruleIndex: number): Promise<Record<string, unknown>> {
  const subject = [one.field, one.ref].filter((part) => part !== undefined).join(": ");
  const text = `${subject === "" ? "" : `${subject}: `}${one.message}. ${one.remedy}`;
  const location = locationOf(one);
  const identity = [one.code, one.place?.path, one.field, one.ref, one.place?.line];
  const fingerprint = await sha256Hex(encodeUtf8(JSON.stringify(identity)));
  return {
    ruleId: one.code,
    ruleIndex,
    level: LEVELS[one.severity],
    message: { text },
    ...(location === undefined ? {} : { locations: [location] }),
    partialFingerprints: { "palyraFinding/v1": fingerprint },
  };
}

/** Section 3.28: in a file, or by name where there is no file. */
function locationOf({ place, field, ref }: Finding): Record<string, unknown> | undefined {
  const name = field ?? ref;
  const logical = name === undefined ? {} : { logicalLocations: [{ fullyQualifiedName: name }] };
  if (place === undefined) return name === undefined ? undefined : logical;
  const { path, line, column } = place;
  const region = line === undefined
    ? {}
    : { region: { startLine: line, ...(column === undefined ? {} : { startColumn: column }) } };
  return { physicalLocation: { artifactLocation: { uri: uriOf(path) }, ...region }, ...logical };
}

/** Section 3.4.3: a URI reference; of an absolute path the whole URI (RFC 8089). */
function uriOf(path: string): string {
  const parts = path.replaceAll("\\", "/").split("/").map(encodeURIComponent);
  const drive = /^[A-Za-z]:/.test(path);
  if (drive) parts[0] = path.slice(0, 2);
  return path.startsWith("/")
    ? `file://${parts.join("/")}`
    : drive
    ? `file:///${parts.join("/")}`
    : parts.join("/");
}
