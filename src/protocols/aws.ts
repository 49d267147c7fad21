/**
 * The `credential_process` of the AWS tools: one JSON object. Source: AWS SDKs and Tools Reference
 * Guide, "Process credential provider".
 */

import { PalyraError } from "../errors.ts";
import { parseLabel } from "./address.ts";
import type { Call, Credential, Credentials, Protocol, Reply } from "./protocol.ts";
import { complain, nothingFor, objectOf, say, textOf } from "./replies.ts";

/** Serves `[PROFILE]`, by default the profile `default`. */
export const aws: Protocol = { parseAddress: parseLabel, serve, failed: complain };

/** What the object may hold; all else is left out, for the tools refuse it or ignore it. */
const REQUIRED = ["AccessKeyId", "SecretAccessKey"] as const;
const OPTIONAL = ["SessionToken", "Expiration", "AccountId"] as const;

async function serve({ args }: Call, credentials: Credentials): Promise<Reply> {
  const [profile = "default", ...more] = args;
  const address = parseLabel(profile);
  if (address === undefined || more.length > 0) {
    throw new PalyraError("usage", "Cannot give AWS credentials: exactly one profile is needed");
  }
  const found = await credentials.get(address);
  if (found === undefined) return nothingFor("this profile");
  return say(`${JSON.stringify({ Version: 1, ...fieldsOf(found) })}\n`);
}

/** The access key is the user name of the map; without one the value is the object itself. */
function fieldsOf(credential: Credential): Record<string, string> {
  const { username } = credential;
  const text = textOf(credential);
  if (username !== undefined) return { AccessKeyId: username, SecretAccessKey: text };
  const object = objectOf(text);
  const fields = [...REQUIRED, ...OPTIONAL].flatMap((name) => {
    const value = object[name];
    return typeof value === "string" && value !== "" ? [[name, value] as const] : [];
  });
  if (REQUIRED.every((name) => fields.some(([field]) => field === name))) {
    return Object.fromEntries(fields);
  }
  throw new PalyraError(
    "usage",
    "Cannot give AWS credentials: the value is no object with AccessKeyId and SecretAccessKey",
    { hint: "Or name the access key as username of the map, and store the secret key alone" },
  );
}
