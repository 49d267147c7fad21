/** `palyra auth login`: tokens of an authorization server, stored in the vault, and a profile that names them. */

import type { BegunLogin } from "../../auth/browser_login.ts";
import type { DeviceLogin } from "../../auth/device_login.ts";
import type { LoginParties } from "../../auth/login_steps.ts";
import type { TokenSet } from "../../auth/token_set.ts";
import { PalyraError } from "../../errors.ts";
import type { App } from "../app.ts";
import { PASTED_REDIRECT, pastedAnswer } from "../auth/pasted_address.ts";
import {
  firstEndpoint,
  likelyProfile,
  type LoginFlags,
  loginTarget,
  partiesOf,
  profileFor,
} from "../auth/login_target.ts";
import { requireStorable } from "../auth/require_storable.ts";
import { storeLogin, toldLogin } from "../auth/store_login.ts";
import { webFor } from "../auth/web.ts";
import { parseWhole } from "../values.ts";
import type { RecordView } from "../view.ts";

/** Flags of `auth login`. */
export interface AuthLoginFlags extends LoginFlags {
  readonly browser?: boolean | undefined;
  readonly "device-code"?: boolean | undefined;
  readonly paste?: boolean | undefined;
  readonly port?: string | undefined;
}

const WAYS = ["browser", "device-code", "paste"] as const;

type Way = typeof WAYS[number];

const TEN_MINUTES_MS = 600_000;
const PORTS = [0, 65_535] as const;

/** Logs in, and stores tokens and profile; nothing is stored before the server has given tokens. */
export async function authLogin(
  app: App,
  flags: AuthLoginFlags,
  providerText?: string,
): Promise<RecordView> {
  const target = await loginTarget(app, flags, providerText);
  await requireStorable(app, await likelyProfile(target));
  using web = await webFor(app, firstEndpoint(target));
  const { findServer } = await import("../../auth/find_server.ts");
  const server = await findServer(target.preset, web.send);
  const way = wayOf(app, flags, server.device_authorization_endpoint !== undefined);
  const parties = await partiesOf(app, target, server, web.send);
  const tokens = way === "device-code"
    ? await byDevice(app, parties)
    : way === "paste"
    ? await byPaste(app, parties)
    : await byBrowser(app, flags, parties);
  const profile = await profileFor(target, server);
  await storeLogin(app, profile, tokens);
  const { json, lines } = toldLogin(profile, tokens);
  return { kind: "record", json: { ...json, way }, text: lines.join("\n") };
}

async function byDevice(app: App, parties: LoginParties): Promise<TokenSet> {
  const { beginDeviceLogin } = await import("../../auth/device_login.ts");
  const login: DeviceLogin = await beginDeviceLogin(parties);
  app.warn(`open ${login.verificationUri} on any device, and type ${login.userCode}`);
  return await login.complete((ms) => app.platform.clock.pause(ms));
}

async function byBrowser(
  app: App,
  flags: AuthLoginFlags,
  parties: LoginParties,
): Promise<TokenSet> {
  const { beginBrowserLogin, completeBrowserLogin } = await import(
    "../../auth/browser_login.ts"
  );
  const port = flags.port === undefined ? 0 : parseWhole(flags.port, "--port", PORTS);
  const open = await app.platform.redirectListener();
  await using listener = open(port);
  const begun: BegunLogin = await beginBrowserLogin(parties, listener.redirectUri);
  app.warn(`open this address in a browser on this machine: ${begun.url}`);
  const answer = await listener.answer(begun.state, TEN_MINUTES_MS);
  if (answer !== undefined) return await completeBrowserLogin(parties, begun, answer);
  throw new PalyraError("auth", "Cannot log in: no browser came back within ten minutes", {
    hint: "Where the browser is elsewhere, use --device-code or --paste",
  });
}

async function byPaste(app: App, parties: LoginParties): Promise<TokenSet> {
  const { beginBrowserLogin, completeBrowserLogin } = await import(
    "../../auth/browser_login.ts"
  );
  const begun: BegunLogin = await beginBrowserLogin(parties, PASTED_REDIRECT);
  app.warn(`open this address in any browser: ${begun.url}`);
  app.warn("log in there; then the browser cannot open a page of 127.0.0.1: give me its address");
  return await completeBrowserLogin(parties, begun, await pastedAnswer(app, begun));
}

/** What flags say; else a code where there is no screen, and a browser where there is one. */
function wayOf({ platform }: App, flags: AuthLoginFlags, hasDevice: boolean): Way {
  const asked = WAYS.filter((way) => flags[way]);
  if (asked.length > 1) {
    throw new PalyraError(
      "usage",
      "Cannot log in: choose one of --browser, --device-code, --paste",
    );
  }
  if (asked[0] !== undefined) return asked[0];
  const { environment } = platform;
  const isRemote = ["SSH_CONNECTION", "SSH_TTY"].some((name) => environment.get(name));
  const hasScreen = environment.os !== "linux" ||
    ["DISPLAY", "WAYLAND_DISPLAY"].some((name) => environment.get(name));
  if (hasScreen && !isRemote) return "browser";
  return hasDevice ? "device-code" : "paste";
}
