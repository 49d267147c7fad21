/** Targets of `configure`: short names for the fields that are bound most often. */

import { PalyraError } from "../errors.ts";
import type { Field } from "./field.ts";

/** Targets without a part of the user's own, and their fields. */
export const TARGETS: Readonly<Record<string, Field>> = {
  "openai-api-key": ["model_provider", "openai_api_key"],
  "anthropic-api-key": ["model_provider", "anthropic_api_key"],
  "browser-state-key": ["tool_call", "browser_service", "state_key"],
  "browser-auth-token": ["tool_call", "browser_service", "auth_token"],
  "admin-auth-token": ["admin", "auth_token"],
  "connector-token": ["admin", "connector_token"],
};

/** The target of an entry of `model_provider.providers`, followed by its `provider_id`. */
export const PROVIDER_TARGET = "provider-api-key:";

/** The field of a target. Throws `usage` without repeating the text. */
export function fieldOfTarget(target: string): Field {
  if (target.startsWith(PROVIDER_TARGET)) {
    const equals = target.slice(PROVIDER_TARGET.length);
    if (/^[^\]\p{Cc}]{1,128}$/u.test(equals)) {
      return ["model_provider", "providers", { key: "provider_id", equals }, "api_key"];
    }
  }
  const field = Object.hasOwn(TARGETS, target) ? TARGETS[target] : undefined;
  if (field !== undefined) return field;
  throw new PalyraError("usage", "Cannot configure: there is no such target", {
    hint: `Targets are ${
      Object.keys(TARGETS).join(", ")
    }, ${PROVIDER_TARGET}ID; any other field is named itself`,
  });
}
