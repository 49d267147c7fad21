/** What an audit can find: a closed list of public codes, each with its severity. */

/** How bad a finding is: `blocking` means that something does not work, or that a secret lies open. */
export type Severity = "blocking" | "warning" | "info";

/** Every code with its severity and what it means. Public: add one, never rename one. */
export const FINDING_CODES = {
  unresolved_secret_ref: ["blocking", "A reference leads to nothing"],
  optional_secret_missing: ["warning", "A reference that need not be there leads to nothing"],
  expired_secret_ref: ["blocking", "A reference leads to a secret that has expired"],
  invalid_secret_ref: ["blocking", "What stands where a reference belongs is none"],
  secret_integrity_failed: ["blocking", "A secret cannot be opened: wrong key or altered data"],
  secret_ref_blocked: ["blocking", "A reference may not be resolved: policy or permissions"],
  secret_ref_failed: ["blocking", "The source of a reference could not give a value"],
  conflicting_secret_forms: ["blocking", "A secret is held in more than one form"],
  missing_auth_profile: ["blocking", "An auth profile that the config names cannot be used"],
  unreadable_auth_profiles: ["blocking", "The auth profiles cannot be read"],
  untrusted_config: ["blocking", "The config was found by search and is not trusted"],
  inline_secret_configured: ["warning", "The config holds a secret itself"],
  legacy_vault_ref_shadowed: ["info", "An auth profile comes before a reference"],
  potentially_unused_secret: ["info", "Neither the config nor an auth profile names a secret"],
  unsafe_permissions: ["blocking", "Others can change what secrets are read from"],
  readable_by_others: ["warning", "Others can read what holds secrets, or leads to them"],
  plaintext_backup: ["blocking", "An old copy of the config holds secrets"],
  value_found_elsewhere: ["blocking", "A value of the vault lies somewhere in the clear"],
  value_not_searched: ["info", "A value is too short to be searched for"],
  scan_incomplete: ["warning", "Something could not be searched"],
} as const satisfies Readonly<Record<string, readonly [Severity, string]>>;

/** The code of a finding. */
export type FindingCode = keyof typeof FINDING_CODES;

/** Where something was found. */
export interface Place {
  /** A file. */
  readonly path: string;
  /** From 1, where it is known. */
  readonly line?: number | undefined;
  readonly column?: number | undefined;
}

/** One finding. Nothing in it is a value: names, places, and what to do. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** The part of the system that is concerned: `model_provider`, `auth_profile:work`, … */
  readonly component: string;
  /** The field of the config or of the auth profiles, with the suffix of its form. */
  readonly field?: string | undefined;
  /** The reference that is concerned. */
  readonly ref?: string | undefined;
  readonly place?: Place | undefined;
  /** What is so, in one clause. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** A finding with the severity of its code. */
export function finding(code: FindingCode, rest: Omit<Finding, "code" | "severity">): Finding {
  return { code, severity: FINDING_CODES[code][0], ...rest };
}

const ORDER: readonly Severity[] = ["blocking", "warning", "info"];

/** The worst first; within a severity by place, then by name, so that two runs say the same. */
export function inOrder(findings: readonly Finding[]): Finding[] {
  const key = ({ code, field, ref }: Finding): string => `${code} ${field ?? ""} ${ref ?? ""}`;
  return findings.toSorted((a, b) =>
    ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity) ||
    compare(a.place?.path ?? "", b.place?.path ?? "") ||
    (a.place?.line ?? 0) - (b.place?.line ?? 0) ||
    (a.place?.column ?? 0) - (b.place?.column ?? 0) ||
    compare(key(a), key(b))
  );
}

/** The part of the system that a field belongs to, as the original names them. */
export function componentOf(field: string): string {
  if (field.startsWith("model_provider.providers")) return "model_provider_registry";
  if (field.startsWith("tool_call.browser_service")) return "browser_service";
  if (field.startsWith("admin.")) return "admin_auth";
  return /^[A-Za-z0-9_-]+/.exec(field)?.[0] ?? "config";
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
