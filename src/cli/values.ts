/** Values of flags: numbers and durations, with one clear `usage` error each. */

import { PalyraError } from "../errors.ts";

const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^([1-9][0-9]{0,8})([smhd])$/;
const WHOLE = /^(?:0|[1-9][0-9]{0,8})$/;

/** `<n>s|m|h|d` in milliseconds. Throws `usage`. */
export function parseDuration(text: string, flag: string): number {
  const [, count, unit] = DURATION.exec(text) ?? [];
  if (count === undefined) {
    throw new PalyraError(
      "usage",
      `Cannot use ${flag}: it takes a number and s, m, h or d, as in 90s`,
    );
  }
  return Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS];
}

/** A whole number within bounds. Throws `usage`. */
export function parseWhole(text: string, flag: string, bounds: readonly [number, number]): number {
  const [least, most] = bounds;
  const value = WHOLE.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new PalyraError("usage", `Cannot use ${flag}: it takes a number from ${least} to ${most}`);
}
