/** The vault's database, and whether the clock agrees with it. */

import { requireSoundDatabase } from "../../vault/check_vault.ts";
import { countLeftovers, findLeftovers } from "../../vault/leftovers.ts";
import { findIntent } from "../../vault/staged.ts";
import type { Vault } from "../../vault/vault.ts";
import type { App } from "../app.ts";
import { counted } from "../counted.ts";
import { type Check, failed, ok, skipped, warn } from "./check.ts";

/** palyra did not exist before: an earlier clock was never set. */
const EARLIEST_MS = Date.UTC(2026, 0, 1);
/** Clocks of machines that share a state root may differ by this much. */
const TOLERANCE_MS = 300_000;

/** Looks at the tables and at what interrupted writers left. */
export function checkDatabase(vault: Vault): Check {
  try {
    requireSoundDatabase(vault);
  } catch (error) {
    return failed("database", error);
  }
  const left = countLeftovers(findLeftovers(vault)) + (findIntent(vault.database) ? 1 : 0);
  if (left === 0) return ok("database", "sound");
  return warn(
    "database",
    `sound; interrupted writers left ${counted(left, "thing")}`,
    "The next writing command removes them, or palyra vault check --repair",
  );
}

/** A clock that stands before the newest version makes dates lie and expired secrets live. */
export function checkClock({ platform: { clock } }: App, vault: Vault | undefined): Check {
  const now = clock.now();
  const told = new Date(now).toISOString();
  const remedy = "Set the clock: secrets that expire depend on it";
  if (now < EARLIEST_MS) return warn("clock", `it says ${told}`, remedy);
  const row = vault?.database.get("SELECT max(created_at) AS newest FROM versions");
  const newest = Date.parse(String(row?.["newest"] ?? ""));
  if (newest > now + TOLERANCE_MS) {
    return warn("clock", `it says ${told}, before the newest version was stored`, remedy);
  }
  return ok("clock", told);
}

/** For a vault that cannot be looked into. */
export function noVault(error: unknown): Check {
  return error === undefined
    ? skipped("database", "there is no vault yet")
    : failed("database", error);
}
