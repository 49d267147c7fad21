/** Values of the vault that lie elsewhere in the clear: searched for in files, told by reference and line. */

import { isPalyraError, PalyraError } from "../errors.ts";
import { formsOf, isSearchable, type ValueForm } from "../scan/forms.ts";
import { type PlacedHit, scan, type ScanOptions, type ScanReport } from "../scan/scan.ts";
import { type SearchedForm, SearchTable } from "../scan/search_table.ts";
import type { NotSearched } from "../scan/walk.ts";
import { listSecrets } from "../vault/list_secrets.ts";
import { readSecret } from "../vault/read_secret.ts";
import type { Vault } from "../vault/vault.ts";
import { formatSecretId } from "../vault/vault_ref.ts";
import { type Finding, finding } from "./finding.ts";

/** What a scan found, and how much it looked at. */
export interface ScanFindings {
  readonly findings: readonly Finding[];
  readonly report: Pick<ScanReport, "files" | "bytes">;
  /** Secrets whose values were searched for. */
  readonly secrets: number;
}

/** Paths of one kind that get a finding of their own. */
const MAX_TOLD = 20;

const FORMS: Readonly<Record<ValueForm, string>> = {
  whole: "as it is",
  trimmed: "without the white space around it",
  line: "a line of it",
  head: "its first 4 KiB",
  base64: "in base64",
  url: "percent-encoded",
  json: "escaped as in JSON",
  hex: "in hexadecimal",
};

/**
 * Searches the roots for the current value of every secret. The values are held in memory until it is
 * done, and nowhere else.
 */
export async function findElsewhere(vault: Vault, options: ScanOptions): Promise<ScanFindings> {
  const findings: Finding[] = [];
  const refs: string[] = [];
  const forms: SearchedForm[] = [];
  for (const { id } of await listSecrets(vault)) {
    const ref = formatSecretId(id);
    const owner = refs.push(ref) - 1;
    try {
      using opened = await readSecret(vault, id);
      const value = opened.value.reveal();
      if (!isSearchable(value)) findings.push(tooShort(ref));
      for (const form of formsOf(value)) forms.push({ ...form, owner });
    } catch (error) {
      if (isPalyraError(error, "not_found")) continue; // it has expired, or is gone by now
      if (!isPalyraError(error)) throw error;
      findings.push(
        incomplete(undefined, "its value cannot be opened, and was not searched for", ref),
      );
    }
  }
  using table = new SearchTable(forms);
  const report = forms.length === 0
    ? { hits: [], notSearched: [], files: 0, bytes: 0 }
    : await scan(table, options);
  findings.push(
    ...report.hits.map((hit) => foundAt(hit, refs[hit.owner]!)),
    ...notSearched(report.notSearched),
  );
  const secrets = new Set(forms.map(({ owner }) => owner)).size;
  return { findings, report, secrets };
}

/** Throws `not_found` where there is nothing to search for. */
export function requireVault(
  vault: Vault | undefined,
  vaultError: PalyraError | undefined,
): Vault {
  if (vault !== undefined) return vault;
  throw vaultError ??
    new PalyraError("not_found", "Cannot search for the vault's values: there is no vault yet");
}

function foundAt({ path, line, form, inIndex }: PlacedHit, ref: string): Finding {
  const where = inIndex ? "is staged in git" : "lies here in the clear";
  return finding("value_found_elsewhere", {
    component: `vault_scope:${ref.slice(0, ref.indexOf("/"))}`,
    ref,
    place: { path, line },
    message: `its value ${where}, ${FORMS[form]}`,
    remedy: remedyAt(path, inIndex, ref),
  });
}

function remedyAt(path: string, inIndex: boolean, ref: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const renew = `if anybody may have seen it, store a new one: palyra secrets set ${ref}`;
  if (inIndex) return `git restore --staged, or git rm --cached; ${renew}`;
  if (/^\.?env(?:\..+)?$|\.env$/.test(name)) {
    return "palyra secrets import --from dotenv --scrub puts a reference in its place";
  }
  if (/history$|^\.(?:z|ba|fi)sh_/.test(name)) return `Remove the line from the history; ${renew}`;
  return `Remove it there; ${renew}`;
}

function tooShort(ref: string): Finding {
  return finding("value_not_searched", {
    component: `vault_scope:${ref.slice(0, ref.indexOf("/"))}`,
    ref,
    message:
      "its value is under 8 bytes, or of fewer than 4 different ones: it was not searched for",
    remedy: "A longer value is also harder to guess",
  });
}

function notSearched(all: readonly NotSearched[]): Finding[] {
  const told = all.slice(0, MAX_TOLD).map(({ path, why }) =>
    incomplete(path, `not searched: ${why}`)
  );
  const more = all.length - told.length;
  return more === 0 ? told : [...told, incomplete(undefined, `${more} more were not searched`)];
}

function incomplete(path: string | undefined, message: string, ref?: string): Finding {
  return finding("scan_incomplete", {
    component: "scan",
    ref,
    ...(path === undefined ? {} : { place: { path } }),
    message,
    remedy: ref === undefined
      ? "Nothing is known of it: make it readable, or name it itself, and search again"
      : "palyra vault check tells what cannot be opened",
  });
}
