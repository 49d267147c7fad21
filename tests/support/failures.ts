/** Assertions about typed errors. */

import assert from "node:assert/strict";
import { type ErrorCode, PalyraError } from "../../src/errors.ts";

/** Asserts that the operation fails with a PalyraError of this code and a fitting message; returns it. */
export async function assertFails(
  code: ErrorCode,
  message: RegExp,
  operation: () => unknown,
): Promise<PalyraError> {
  const error = await Promise.try(operation).then(() => undefined, (thrown: unknown) => thrown);
  assert.ok(error instanceof PalyraError, `expected a PalyraError, got ${error}`);
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  return error;
}
