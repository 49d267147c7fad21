/** Which CI a command runs in, by the variables that each of them documents. */

/** A CI that palyra can export to. */
export type CiFormat = "github" | "gitlab" | "azure" | "buildkite";

const SIGNS: readonly (readonly [CiFormat, string, RegExp])[] = [
  ["github", "GITHUB_ACTIONS", /^true$/],
  ["gitlab", "GITLAB_CI", /^true$/],
  ["azure", "TF_BUILD", /^true$/i],
  ["buildkite", "BUILDKITE", /^true$/],
];

/** The CI around; `undefined` outside of any that is known, and where several seem to be. */
export function detectCi(get: (name: string) => string | undefined): CiFormat | undefined {
  const found = SIGNS.filter(([, name, value]) => value.test(get(name) ?? ""));
  return found.length === 1 ? found[0]![0] : undefined;
}
