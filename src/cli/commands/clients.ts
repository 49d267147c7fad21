/** `palyra helper install`, `uninstall` and `check`: the wrapper of a client, and what the client has to be told. */

import { encodeUtf8 } from "../../crypto/encoding.ts";
import { PalyraError } from "../../errors.ts";
import type { App } from "../app.ts";
import { checkClient } from "../clients/checks.ts";
import { clientOf } from "../clients/client.ts";
import { canEdit, editConfig, type Replaced, settingThatNames } from "../clients/edits.ts";
import { placeOf, wrapperAt, wrapperOf } from "../clients/place.ts";
import { counted } from "../counted.ts";
import { shown } from "../shown.ts";
import type { RecordView } from "../view.ts";

/** Flags of `helper install`. */
export interface InstallFlags {
  readonly dir?: string | undefined;
  readonly label?: string | undefined;
  readonly write?: boolean | undefined;
  readonly "dry-run"?: boolean | undefined;
}

/** Flags of `helper uninstall`. */
export interface UninstallFlags {
  readonly dir?: string | undefined;
}

/** Flags of `helper check`. */
export interface CheckFlags extends UninstallFlags {
  readonly label?: string | undefined;
}

const EXECUTABLE = 0o755;

/** Writes the wrapper; the same one again changes nothing. */
export async function helperInstall(
  app: App,
  flags: InstallFlags,
  name: string,
): Promise<RecordView> {
  const client = clientOf(name, "install");
  if (app.platform.environment.os === "windows") {
    throw new PalyraError("unavailable", "Cannot install: wrappers are scripts for a POSIX shell", {
      hint: "Give the client the command itself: palyra helper PROTOCOL",
    });
  }
  if (flags.write && !canEdit(name)) {
    throw new PalyraError(
      "usage",
      `Cannot use --write: palyra does not edit the settings of ${name}`,
      {
        hint: "Without it palyra prints what to write where",
      },
    );
  }
  const place = placeOf(app, client, flags);
  const wrapper = await wrapperOf(app, name, client, flags);
  const changed = await wrapperAt(app, place) !== wrapper;
  const { where, text } = client.config(place);
  let replaced: readonly Replaced[] = [];
  if (!flags["dry-run"]) {
    const { platform } = app;
    if (changed) {
      (await platform.documents()).makeDirectory(place.directory);
      platform.userFiles.replace(place.path, encodeUtf8(wrapper), EXECUTABLE);
    }
    if (flags.write) replaced = await editConfig(app, name, place);
  }
  const did = flags["dry-run"] ? "would write" : changed ? "wrote" : "unchanged";
  return {
    kind: "record",
    json: {
      client: name,
      path: place.path,
      changed,
      dry_run: flags["dry-run"] ?? false,
      config: { where, text },
      config_written: Boolean(flags.write) && !flags["dry-run"],
      ...(replaced.length === 0 ? {} : { config_replaced: replaced }),
    },
    text: [
      `${did} ${place.path}`,
      ...(flags["dry-run"] ? [wrapper.trimEnd()] : []),
      ...(flags.write ? [`told ${name}`] : [`for ${where}:`, text]),
      ...replaced.map(({ setting, was }) =>
        shown(`replaced ${setting}${was === undefined ? "" : `, was: ${was}`}`)
      ),
    ].join("\n"),
  };
}

/** Removes the wrapper; what the client was told stays for its owner to change, who is told what that is. */
export async function helperUninstall(
  app: App,
  flags: UninstallFlags,
  name: string,
): Promise<RecordView> {
  const client = clientOf(name, "uninstall");
  const place = placeOf(app, client, flags);
  const changed = await wrapperAt(app, place) !== undefined;
  if (changed) app.platform.files.remove(place.path);
  const { where } = client.config(place);
  const left = canEdit(name) ? await settingThatNames(app, name, place) : undefined;
  const advice = left !== undefined
    ? [`${left.setting} in ${left.where} still names it: take it out there`]
    : changed && !canEdit(name)
    ? [`take it out where you have put it: ${where}`]
    : [];
  return {
    kind: "record",
    json: {
      client: name,
      path: place.path,
      changed,
      ...(left === undefined ? {} : { still_named_by: left }),
    },
    text: [
      changed ? `removed ${place.path}` : `${place.path} is not there: nothing changed`,
      ...advice,
    ].join("\n"),
  };
}

/** Replays the client's own rules, and one round trip without any environment. Throws `findings`. */
export async function helperCheck(app: App, flags: CheckFlags, name: string): Promise<RecordView> {
  const client = clientOf(name, "check");
  const checks = await checkClient(app, { name, client, flags });
  const bad = checks.filter(({ status }) => status === "fail").length;
  return {
    kind: "record",
    json: { client: name, checks },
    text: checks.map(({ id, status, cause, remedy }) =>
      `${status.padEnd(4)}  ${id.padEnd(10)}  ${cause}${remedy === "" ? "" : `\n      ${remedy}`}`
    ).join("\n"),
    ...(bad === 0 ? {} : {
      failure: new PalyraError(
        "findings",
        `Found ${counted(bad, "thing")} that ${name} would not accept`,
      ),
    }),
  };
}
