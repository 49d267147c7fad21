/** The secret that a command is about: one reference, or a scope and a name. */

import { PalyraError } from "../../errors.ts";
import { parseScope } from "../../vault/scope.ts";
import {
  makeSecretId,
  parseName,
  parseSecretId,
  parseVaultRef,
  type SecretId,
  type VaultRef,
} from "../../vault/vault_ref.ts";

/** Reads `REF` or `SCOPE NAME`. Throws `usage`, also when a version is chosen. */
export function secretArgument(first: string, second: string | undefined): SecretId {
  return second === undefined ? parseSecretId(first) : joined(first, second);
}

/** Reads `REF[#N]` or `SCOPE NAME[#N]`. Throws `usage`. */
export function versionArgument(first: string, second: string | undefined): VaultRef {
  if (second === undefined) return parseVaultRef(first);
  const [name, version, ...more] = second.split("#");
  const id = joined(first, name!);
  return version === undefined
    ? id
    : parseVaultRef(`${id.scope}/${id.name}#${[version, ...more].join("#")}`);
}

function joined(scope: string, name: string): SecretId {
  if (scope.includes("/")) {
    throw new PalyraError(
      "usage",
      "Cannot read the arguments: a reference already holds the name",
      {
        hint: "Give SCOPE/NAME alone, or SCOPE and NAME apart; a value never is an argument",
      },
    );
  }
  return makeSecretId(parseScope(scope), parseName(name));
}
