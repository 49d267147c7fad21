/** `palyra secrets configure`: stores a secret and points the config at it, as one change. */

import { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { PalyraError } from "../../errors.ts";
import {
  type Binding,
  configure,
  generateFor,
  planBindings,
  previewConfigure,
} from "../../config/configure.ts";
import { type Field, formatField, parseField } from "../../config/field.ts";
import { fieldOfForm, withoutSuffix } from "../../config/logical_secret.ts";
import { fieldOfTarget } from "../../config/target.ts";
import { requireLifetimeFits, requireValueFits } from "../../vault/set_secret.ts";
import { formatSecretId, type SecretId } from "../../vault/vault_ref.ts";
import type { App } from "../app.ts";
import { changeContext } from "../configs.ts";
import { readValue, type ValueFlags } from "../read_value.ts";
import { hasVault, openVaultToChange, openVaultToRead, openVaultToWrite } from "../stores.ts";
import { parseDuration } from "../values.ts";
import type { RecordView } from "../view.ts";
import { type ChangeFlags, itemJson, itemText, noteShadows, optionsOf } from "./configure_view.ts";
import { secretArgument } from "./secret_argument.ts";

/** Flags of `secrets configure`. */
export interface SecretsConfigureFlags extends ValueFlags, ChangeFlags {
  readonly field?: string | undefined;
  readonly "if-absent"?: boolean | undefined;
  readonly "expires-in"?: string | undefined;
  readonly "no-value"?: boolean | undefined;
}

/** Checks the config first, then reads the value, then opens the vault. */
export async function secretsConfigure(
  app: App,
  flags: SecretsConfigureFlags,
  ...args: string[]
): Promise<RecordView> {
  const { target, field, id } = placeOf(flags, args);
  const options = optionsOf(flags);
  const lifetimeMs = lifetimeOf(app, flags);
  const context = await changeContext(app);
  const early = { field, id, value: undefined };
  await planBindings(context, [early], options); // before a person is asked for a value
  using value = await valueFor(app, flags, { field, id });
  const ifAbsent = flags["if-absent"] ?? false;
  const binding: Binding = { target, field, id, value, ifAbsent, lifetimeMs };
  if (flags["dry-run"]) {
    using vault = hasVault(app) ? await openVaultToRead(app) : undefined;
    const preview = await previewConfigure(context, vault, [binding], options);
    return viewOf(preview);
  }
  await planBindings(context, [binding], options);
  using vault = value === undefined
    ? await openVaultToChange(app, { newConfig: true })
    : (await openVaultToWrite(app, { newConfig: true })).vault;
  const done = await configure(context, vault, [binding], options);
  await noteShadows(app, context);
  return viewOf(done);
}

interface Place {
  readonly target: string | undefined;
  readonly field: Field;
  readonly id: SecretId;
}

function placeOf({ field }: SecretsConfigureFlags, args: readonly string[]): Place {
  const [target, ...secret] = field === undefined ? args : [undefined, ...args];
  const [first, second, ...more] = secret;
  if (first === undefined || more.length > 0) {
    throw new PalyraError("usage", "Cannot configure: name a target and a secret", {
      hint: "palyra secrets configure TARGET SCOPE NAME, or --field FIELD SCOPE NAME",
    });
  }
  const id = secretArgument(first, second);
  const chosen = field === undefined ? fieldOfTarget(target!) : withoutSuffix(parseField(field));
  fieldOfForm(chosen, "vault_ref"); // must end with a key
  return { target, field: chosen, id };
}

function lifetimeOf(app: App, flags: SecretsConfigureFlags): number | undefined {
  const text = flags["expires-in"];
  if (text === undefined) return undefined;
  const lifetimeMs = parseDuration(text, "--expires-in");
  requireLifetimeFits(app.platform.clock.now(), lifetimeMs);
  return lifetimeMs;
}

async function valueFor(
  app: App,
  flags: SecretsConfigureFlags,
  { field, id }: { readonly field: Field; readonly id: SecretId },
): Promise<SensitiveBytes | undefined> {
  if (flags["no-value"]) {
    const others = [
      "value-stdin",
      "from-file",
      "generate",
      "bytes",
      "raw",
      "if-absent",
      "expires-in",
    ];
    if (others.some((name) => flags[name as keyof SecretsConfigureFlags] !== undefined)) {
      throw new PalyraError("usage", "Cannot use --no-value with a flag that speaks of the value");
    }
    return undefined;
  }
  if (flags.generate && flags["value-stdin"] === undefined && flags["from-file"] === undefined) {
    const made = generateFor(field, app.platform.random.bytes);
    if (made !== undefined) {
      if (flags.bytes === undefined && flags.raw === undefined) return new SensitiveBytes(made);
      throw new PalyraError(
        "usage",
        `Cannot use --bytes or --raw for ${formatField(field)}: its length is fixed`,
      );
    }
  }
  const value = await readValue(app, flags, formatSecretId(id));
  try {
    requireValueFits(value);
    return value;
  } catch (error) {
    value[Symbol.dispose]();
    throw error;
  }
}

function viewOf(done: Awaited<ReturnType<typeof configure>>): RecordView {
  const [item] = done.items;
  return {
    kind: "record",
    json: itemJson(item!, done),
    text: itemText(item!, done),
  };
}
