/** `palyra secrets apply`: does what a plan says, and goes on where an interrupted one ended. */

import { applyPlan } from "../../audit/apply.ts";
import { readJournal } from "../../audit/apply_journal.ts";
import { type Plan, planRepairs, sealed } from "../../audit/plan.ts";
import { isAutomatic, keyOf, type PlanStep } from "../../audit/plan_step.ts";
import type { AuditSources } from "../../audit/references.ts";
import { decodeUtf8 } from "../../crypto/encoding.ts";
import { PalyraError } from "../../errors.ts";
import type { App } from "../app.ts";
import { openSubject } from "../audit/subject.ts";
import { changeContext } from "../configs.ts";
import { lockConfig } from "../config_lock.ts";
import { shown } from "../shown.ts";
import { hasVault, openVaultToRead, openVaultToWrite } from "../stores.ts";
import type { RecordView } from "../view.ts";
import { stepText } from "./secrets_plan.ts";

/** Flags of `secrets apply`. */
export interface SecretsApplyFlags {
  readonly "dry-run"?: boolean | undefined;
}

const MAX_PLAN_BYTES = 16 * 1_048_576;
const MAX_ROUNDS = 3;

/** Applies the plan of a file, or the one that is computed now. */
export async function secretsApply(
  app: App,
  flags: SecretsApplyFlags,
  path?: string,
): Promise<RecordView> {
  const named = path === undefined ? undefined : await readPlan(app, path);
  const { plan, others } = await planNow(app);
  if (named !== undefined && isFinished(app, named, plan)) return viewOf(plan, false, false);
  if (named !== undefined) requireSame(app, named, plan);
  const steps = plan.steps.filter(isAutomatic);
  if (flags["dry-run"] || steps.length === 0) return viewOf(plan, false, steps.length > 0);
  const done: PlanStep[] = [];
  let next = plan;
  for (let round = 1; next.steps.some(isAutomatic) && round <= MAX_ROUNDS; round++) {
    await applyPlan({
      ...await changeContext(app),
      others,
      openVault: async () => (await openVaultToWrite(app)).vault,
      readVault: async () =>
        hasVault(app) ? await openVaultToRead(app, { opensValues: true }) : undefined,
      lockConfig: () => lockConfig(app),
      journalId: named?.plan_id ?? next.plan_id,
    }, next);
    done.push(...next.steps.filter(isAutomatic));
    if (named !== undefined) return viewOf(next, true, false);
    next = (await planNow(app)).plan; // an unsafe state root hid what is behind it
  }
  const left = next.steps.filter((step) => !isAutomatic(step));
  return viewOf({ ...plan, steps: [...done, ...left] }, true, false);
}

interface PlanNow {
  readonly plan: Plan;
  readonly others: AuditSources["others"];
}

async function planNow(app: App): Promise<PlanNow> {
  using subject = await openSubject(app);
  return { plan: await planRepairs(subject), others: subject.sources.others };
}

/** A plan that was carried out to its end, on the text that it made. */
function isFinished(app: App, named: Plan, now: Plan): boolean {
  if (now.steps.some(isAutomatic)) return false;
  const journal = readJournal(app.platform, app.stateRoot);
  return journal?.plan_id === named.plan_id && journal.after === (now.config?.sha256 ?? null);
}

/** The same plan, or what an interrupted `apply` of it has left to do. */
function requireSame({ platform, stateRoot }: App, named: Plan, now: Plan): void {
  if (named.plan_id === now.plan_id) return;
  const journal = readJournal(platform, stateRoot);
  const digest = now.config?.sha256 ?? null;
  const isBegun = journal?.plan_id === named.plan_id &&
    (digest === journal.before || digest === journal.after) &&
    now.steps.filter(isAutomatic).every((step) => journal.steps.includes(keyOf(step)));
  if (isBegun) return;
  throw new PalyraError(
    "precondition",
    "Cannot apply the plan: what it was made from has changed",
    {
      hint: "palyra secrets plan makes a new one; without a file, apply does that itself",
    },
  );
}

/** Reads a plan. Throws `usage` for what is none, and for one that was edited. */
async function readPlan(app: App, path: string): Promise<Plan> {
  const bytes = await app.platform.userFiles.read(path, MAX_PLAN_BYTES);
  const found = parse(decodeUtf8(bytes) ?? "");
  if (found?.["kind"] !== "palyra.secrets.plan" || !Array.isArray(found["steps"])) {
    throw new PalyraError("usage", `Cannot read ${path}: it is no plan of palyra`);
  }
  const steps = found["steps"].map(({ number: _number, ...step }: PlanStep & { number: number }) =>
    step as PlanStep
  );
  const { plan_id, config, vault_id } = found as unknown as Plan;
  const plan = await sealed({ config, vault_id, steps });
  if (plan.plan_id === plan_id) return plan;
  throw new PalyraError("usage", `Cannot apply ${path}: it is not as palyra wrote it`, {
    hint: "A plan is applied as a whole; single fields are bound with palyra secrets configure",
  });
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null
      ? value as Record<string, unknown>
      : undefined;
  } catch {
    return undefined;
  }
}

function viewOf(plan: Plan, applied: boolean, planned: boolean): RecordView {
  const outcome = (step: PlanStep): string =>
    !isAutomatic(step) ? "left_to_you" : applied ? "applied" : planned ? "planned" : "unchanged";
  const lines = plan.steps.map((step) =>
    `${applied && isAutomatic(step) ? "done      " : ""}${stepText(step)}`
  );
  return {
    kind: "record",
    json: {
      plan_id: plan.plan_id,
      changed: applied,
      config: plan.config,
      steps: plan.steps.map((step, at) => ({ number: at + 1, ...step, outcome: outcome(step) })),
    },
    text: [...lines, ...(applied || planned ? [] : ["nothing to do"])].map(shown).join("\n"),
  };
}
