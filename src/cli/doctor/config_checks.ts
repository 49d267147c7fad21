/** The config that commands would use: can it be read, is it valid, is it trusted. */

import type { App } from "../app.ts";
import { readUnlessForeign } from "../configs.ts";
import { counted } from "../counted.ts";
import { type Check, fail, failed, ok, skipped, warn } from "./check.ts";

/** Reads the config, if there is one. */
export async function checkConfig(app: App): Promise<Check> {
  try {
    const config = await readUnlessForeign(app);
    if (config === "foreign") {
      const cause = "what was found by search cannot be read, and is not trusted";
      return warn("config", cause, "palyra config path tells where it is");
    }
    if (config === undefined) return skipped("config", "there is none, and none is needed");
    const { path } = config.location;
    const { problemsOf } = await import("../config_problems.ts");
    const problems = await problemsOf(config);
    const error = problems.find(({ severity }) => severity === "error");
    if (error !== undefined) {
      const cause = `${path}:${error.line}:${error.column}: ${error.message}`;
      return fail("config", cause, "palyra config validate lists everything that is wrong");
    }
    const { isTrusted } = await import("../../config/trust.ts");
    if (!isTrusted(app.platform, app.stateRoot, config)) {
      const remedy = "Read it, then run palyra config trust; or name it with --config";
      return warn("config", `${path} was found by search and is not trusted`, remedy);
    }
    if (problems.length > 0) {
      const cause = `${path} has ${counted(problems.length, "key")} that palyra does not know`;
      return warn("config", cause, "palyra config validate lists them");
    }
    return ok("config", path);
  } catch (error) {
    return failed("config", error);
  }
}
