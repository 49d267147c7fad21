/** What `resolve` is asked for: references on the command line, by NAME=REF, or in the config. */

import { PalyraError } from "../errors.ts";
import { parseSecretRef, type SecretRef } from "../resolver/secret_ref.ts";
import type { App } from "./app.ts";

/** A value that is asked for, and what it is called in the output. */
export interface Wanted {
  readonly name: string;
  readonly named: boolean;
  /** What a name for a variable can be made from, where the user gave none. */
  readonly stem: string;
  readonly ref: SecretRef;
  /** Where the config says so: left out when it is not there. */
  readonly optional?: boolean;
  /** Most bytes, where the config says so. */
  readonly maxBytes?: number | undefined;
}

/** As {@link Wanted}, before the config was asked. */
export interface Asked {
  readonly name: string;
  readonly named: boolean;
  /** The field of a `config:` reference. */
  readonly field?: string;
  readonly ref?: SecretRef;
}

const CONFIG = "config:";
const PRINTABLE_NAME = /^[^\p{Cc}\p{Cs}]{1,256}$/u;

/** Reads one argument. Throws `usage`. */
export function parseWanted(arg: string): Asked {
  if (arg.startsWith(CONFIG)) return { name: arg, named: false, field: arg.slice(CONFIG.length) };
  const equals = arg.indexOf("=");
  if (equals === -1) return { name: arg, named: false, ref: parseSecretRef(arg) };
  const name = arg.slice(0, equals);
  if (!PRINTABLE_NAME.test(name)) {
    throw new PalyraError(
      "usage",
      "Cannot read a NAME=REF argument: the name is empty or not printable",
    );
  }
  return namedAs(name, arg.slice(equals + 1));
}

/** Reads a reference of any source, for a value with a name. Throws `usage`. */
export function namedAs(name: string, text: string): Asked {
  return text.startsWith(CONFIG)
    ? { name, named: true, field: text.slice(CONFIG.length) }
    : { name, named: true, ref: parseSecretRef(text) };
}

/** What is wanted, as the config says now. */
export interface WantedNow {
  readonly wanted: readonly Wanted[];
  /** Whether the config still says so: values that were read meanwhile may belong to another one. */
  readonly isCurrent: () => boolean | Promise<boolean>;
}

/** Asks the config for what only it knows; without such references it is neither found nor read. */
export async function wantedOf(
  app: App,
  asked: readonly Asked[],
  all: boolean,
): Promise<WantedNow> {
  if (!all && asked.every(({ field }) => field === undefined)) {
    return {
      wanted: asked.map(({ name, named, ref }) => ({
        name,
        named,
        stem: stemOf(ref!),
        ref: ref!,
      })),
      isCurrent: () => true,
    };
  }
  const { referencesOfConfig } = await import("./config_references.ts");
  const { referenceAt, allReferences, isCurrent } = await referencesOfConfig(app);
  const wanted: Wanted[] = asked.map(({ name, named, ref, field }) => {
    if (field === undefined) return { name, named, stem: stemOf(ref!), ref: ref! };
    const { source, maxBytes, field: stem } = referenceAt(field);
    return { name, named, stem, ref: source, maxBytes };
  });
  if (!all) return { wanted, isCurrent };
  const everything = [
    ...wanted,
    ...allReferences().map(({ field, source, required, maxBytes }) => ({
      name: field,
      named: false,
      stem: field,
      ref: source,
      optional: !required,
      maxBytes,
    })),
  ];
  return { wanted: everything, isCurrent };
}

/** Throws `usage` for two values with one name: one of them would be lost. */
export function requireDistinct(names: readonly string[]): void {
  if (new Set(names).size === names.length) return;
  throw new PalyraError("usage", "Cannot resolve: two values have the same name", {
    hint: "NAME=REF gives a value another name",
  });
}

function stemOf(ref: SecretRef): string {
  if (ref.kind === "env") return ref.variable;
  if (ref.kind === "auth") return ref.profile;
  if (ref.kind === "exec") return "exec"; // only a config names programs, by a field of its own
  const path = ref.kind === "file" ? ref.path : ref.ref.name;
  return path.slice(path.lastIndexOf("/") + 1);
}
