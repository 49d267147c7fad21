/** The environment in which checks and tests run. */

/** Variables that would steer palyra or the runtime. */
const STEERING =
  /^(?:PALYRA_STATE_ROOT|PALYRA_CONFIG|PALYRA_VAULT_BACKEND|COMPLETE|PALYRA_TEST_BUNDLE|NODE_OPTIONS|OTEL_.*|DENO_V8_FLAGS)$/;

/** Our own environment without what would steer palyra or the runtime, and without colours. */
export function childEnvironment(
  own: Readonly<Record<string, string>> = Deno.env.toObject(),
): Record<string, string> {
  const kept = Object.entries(own).filter(([name]) => !STEERING.test(name));
  return { ...Object.fromEntries(kept), NO_COLOR: "1" };
}
