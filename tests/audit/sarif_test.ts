/** The SARIF form against the rules of the standard that its readers insist on. */

import assert from "node:assert/strict";
import { finding, FINDING_CODES, type FindingCode } from "../../src/audit/finding.ts";
import { sarifOf } from "../../src/audit/sarif.ts";

const ALL = (Object.keys(FINDING_CODES) as FindingCode[]).flatMap((code) => [
  finding(code, { component: "c", message: "it is so", remedy: "Do this" }),
  finding(code, {
    component: "c",
    field: "a.b",
    place: { path: "/home/o p/päly#ra.toml", line: 3, column: 7 },
    message: "it is so",
    remedy: "Do this",
  }),
  finding(code, { component: "c", ref: "global/x", message: "it is so", remedy: "Do this" }),
]);

type Json = Record<string, unknown>;

/** Objects of the standard and the properties that palyra uses of them; anything else is not allowed. */
const PROPERTIES: Readonly<Record<string, readonly string[]>> = {
  log: ["$schema", "version", "runs"],
  run: ["tool", "columnKind", "results"],
  tool: ["driver"],
  driver: ["name", "version", "rules"],
  rule: ["id", "shortDescription", "defaultConfiguration"],
  result: ["ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints"],
  location: ["physicalLocation", "logicalLocations"],
  physicalLocation: ["artifactLocation", "region"],
  region: ["startLine", "startColumn"],
};

function only(kind: string, object: Json): Json {
  const extra = Object.keys(object).filter((key) => !PROPERTIES[kind]!.includes(key));
  assert.deepEqual(extra, [], kind);
  return object;
}

Deno.test("SARIF 2.1.0: required properties, known values, and nothing that the schema forbids", async () => {
  const log = only("log", JSON.parse(JSON.stringify(await sarifOf(ALL, "1.2.3"))));
  assert.equal(log["version"], "2.1.0"); // 3.13.2
  const [run] = (log["runs"] as Json[]).map((one) => only("run", one));
  const driver = only("driver", only("tool", run!["tool"] as Json)["driver"] as Json);
  assert.equal(driver["name"], "palyra"); // 3.19.8
  const rules = (driver["rules"] as Json[]).map((one) => only("rule", one));
  assert.equal(new Set(rules.map(({ id }) => id)).size, rules.length); // 3.19.23: unique
  for (const { defaultConfiguration, shortDescription } of rules) {
    assert.match(String((defaultConfiguration as Json)["level"]), /^(?:error|warning|note)$/);
    assert.ok((shortDescription as Json)["text"]);
  }
  const results = run!["results"] as Json[];
  assert.equal(results.length, ALL.length);
  for (const result of results.map((one) => only("result", one))) {
    assert.equal(rules[result["ruleIndex"] as number]!["id"], result["ruleId"]); // 3.27.6
    assert.match(String(result["level"]), /^(?:error|warning|note)$/); // 3.27.10
    assert.ok(String((result["message"] as Json)["text"]).length > 0); // 3.11.3
    for (const location of (result["locations"] ?? []) as Json[]) checkLocation(location);
    const [print] = Object.values(result["partialFingerprints"] as Json);
    assert.match(String(print), /^[0-9a-f]{64}$/);
  }
});

function checkLocation(location: Json): void {
  const { physicalLocation } = only("location", location);
  if (physicalLocation === undefined) return;
  const { artifactLocation, region } = only("physicalLocation", physicalLocation as Json);
  const { uri } = artifactLocation as { uri: string };
  assert.equal(new URL(uri).href, uri); // 3.4.3: a valid, already encoded URI
  assert.equal(decodeURIComponent(new URL(uri).pathname), "/home/o p/päly#ra.toml");
  const { startLine, startColumn } = only("region", region as Json);
  assert.ok(Number(startLine) >= 1 && Number(startColumn) >= 1); // 3.30.5, 3.30.6
}
