/** `palyra auth login`: tokens of an authorization server, stored in the vault, and a profile that names them. */

import { afterSuccess } from "../../auth/failures.ts";
import { credentialTag, recordFor } from "../../auth/credential_tag.ts";
import type { DeviceLogin, LoginParties } from "../../auth/login.ts";
import {
  type AuthProfile,
  parseEndpoint,
  parseProfileId,
  parseProfileScope,
} from "../../auth/profile.ts";
import { changeProfiles } from "../../auth/profiles_file.ts";
import { presetOf, type ServerPreset } from "../../auth/preset.ts";
import { parseProvider, type ProviderKey } from "../../auth/provider.ts";
import { changeState, withRecord } from "../../auth/runtime_state.ts";
import { lockProfile } from "../../auth/refresh.ts";
import { formatTokenSet, type TokenSet } from "../../auth/token_set.ts";
import { decodeUtf8 } from "../../crypto/encoding.ts";
import { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { PalyraError } from "../../errors.ts";
import { readSecret } from "../../vault/read_secret.ts";
import { setSecret } from "../../vault/set_secret.ts";
import { formatSecretId, parseSecretId } from "../../vault/vault_ref.ts";
import type { App } from "../app.ts";
import { ownedRef } from "../auth/owned.ts";
import { pathsOf } from "../auth/profiles.ts";
import { webFor } from "../auth/web.ts";
import { openVaultToRead, openVaultToWrite } from "../stores.ts";
import { parseWhole } from "../values.ts";
import type { RecordView } from "../view.ts";

/** Flags of `auth login`. */
export interface AuthLoginFlags {
  readonly issuer?: string | undefined;
  readonly "authorization-endpoint"?: string | undefined;
  readonly "token-endpoint"?: string | undefined;
  readonly "device-endpoint"?: string | undefined;
  readonly "client-id"?: string | undefined;
  readonly "client-secret-ref"?: string | undefined;
  readonly "oauth-scope"?: readonly string[] | undefined;
  readonly profile?: string | undefined;
  readonly name?: string | undefined;
  readonly scope?: string | undefined;
  readonly browser?: boolean | undefined;
  readonly "device-code"?: boolean | undefined;
  readonly paste?: boolean | undefined;
  readonly port?: string | undefined;
}

const WAYS = ["browser", "device-code", "paste"] as const;

type Way = typeof WAYS[number];

const TEN_MINUTES_MS = 600_000;
const LOCK_TIMEOUT_MS = 10_000;
/** Longer than a refresh can take; a login is not lost for one that takes longer all the same. */
const REFRESH_MS = 15_000;
const MAX_PASTED_BYTES = 16_384;
const PORTS = [0, 65_535] as const;
/** A redirect that nobody listens at: the person copies the address that the browser failed to open. */
const PASTED_REDIRECT = "http://127.0.0.1/callback";

/** Logs in, and stores tokens and profile; nothing is stored before the server has given tokens. */
export async function authLogin(
  app: App,
  flags: AuthLoginFlags,
  providerText?: string,
): Promise<RecordView> {
  const provider = providerOf(flags, providerText);
  const id = parseProfileId(flags.profile ?? provider.replace(":", "-"));
  const scope = parseProfileScope(flags.scope ?? "global");
  const preset = serverOf(flags, provider);
  const clientId = flags["client-id"];
  if (clientId === undefined) {
    throw new PalyraError(
      "usage",
      "Cannot log in: --client-id names the client that is registered there",
    );
  }
  const first = preset.tokenEndpoint ?? preset.issuer!;
  using web = await webFor(app, first);
  const { send } = web;
  const { beginBrowserLogin, beginDeviceLogin, findServer } = await import("../../auth/login.ts");
  const server = await findServer(preset, send);
  const way = wayOf(app, flags, server.device_authorization_endpoint !== undefined);
  const secretRef = flags["client-secret-ref"];
  const parties: LoginParties = {
    server,
    clientId,
    clientSecret: secretRef === undefined ? undefined : await secretOf(app, secretRef),
    scopes: flags["oauth-scope"] ?? preset.scopes,
    send,
    now: () => app.platform.clock.now(),
  };
  const tokens = way === "device-code"
    ? await byDevice(app, await beginDeviceLogin(parties))
    : way === "paste"
    ? await byPaste(app, (redirect) => beginBrowserLogin(parties, redirect))
    : await byBrowser(app, flags, (redirect) => beginBrowserLogin(parties, redirect));
  const profile: AuthProfile = {
    profileId: id,
    provider,
    profileName: flags.name ?? id,
    scope,
    enabled: true,
    credential: {
      type: "oauth",
      tokensRef: await ownedRef(provider, scope, id, "oauth_tokens"),
      clientId,
      clientSecretRef: secretRef === undefined
        ? undefined
        : formatSecretId(parseSecretId(secretRef)),
      tokenEndpoint: parseEndpoint(server.token_endpoint!),
      revocationEndpoint: server.revocation_endpoint === undefined
        ? undefined
        : parseEndpoint(server.revocation_endpoint),
      issuer: preset.issuer === undefined ? undefined : parseEndpoint(preset.issuer),
      scopes: [],
    },
  };
  await store(app, profile, tokens);
  const ends = tokens.expiresAt === undefined
    ? undefined
    : new Date(tokens.expiresAt).toISOString();
  return {
    kind: "record",
    json: {
      profile_id: id,
      provider,
      way,
      refreshable: tokens.refreshToken !== undefined,
      ...(ends === undefined ? {} : { expires_at: ends }),
    },
    text: [
      `logged in  ${id}`,
      `token      ${ends === undefined ? "its end is not known" : `until ${ends}`}`,
      ...(tokens.refreshToken === undefined
        ? ["refresh    none: log in again when it has ended"]
        : []),
    ].join("\n"),
  };
}

/**
 * Tokens first: a profile without them is harmless, tokens without a profile are found by the next login. No
 * refresh comes between, which would send the new tokens where the old ones came from.
 */
async function store(app: App, profile: AuthProfile, tokens: TokenSet): Promise<void> {
  const { platform } = app;
  const paths = pathsOf(app);
  const { vault } = await openVaultToWrite(app);
  using _open = vault;
  const place = { platform, lockDirectory: `${app.stateRoot}/auth` };
  using _refresh = await lockProfile(place, profile.profileId, REFRESH_MS);
  using value = formatTokenSet(tokens);
  const { credential, profileId } = profile;
  const ref = credential.type === "oauth" ? credential.tokensRef : credential.apiKeyRef;
  await setSecret({ ...vault, keepVersions: 1 }, parseSecretId(ref), value);
  await changeProfiles(platform, paths, () => new Map([[profileId, profile]]));
  const tag = await credentialTag(profile, 0);
  using _lock = await platform.locks.acquire(paths.lock, LOCK_TIMEOUT_MS);
  changeState(platform, paths, (state) => {
    const { expiresAt: _old, ...record } = recordFor(state, profileId, tag);
    return withRecord(state, profileId, {
      ...afterSuccess(record, platform.clock.now()),
      refreshable: tokens.refreshToken !== undefined,
      ...(tokens.expiresAt === undefined ? {} : { expiresAt: tokens.expiresAt }),
    });
  });
}

async function byDevice(app: App, login: DeviceLogin): Promise<TokenSet> {
  app.warn(`open ${login.verificationUri} on any device, and type ${login.userCode}`);
  return await login.complete((ms) => app.platform.clock.pause(ms));
}

type Begin = (
  redirectUri: string,
) => Promise<import("../../auth/login.ts").BrowserLogin>;

async function byBrowser(app: App, flags: AuthLoginFlags, begin: Begin): Promise<TokenSet> {
  const port = flags.port === undefined ? 0 : parseWhole(flags.port, "--port", PORTS);
  const open = await app.platform.redirectListener();
  await using listener = open(port);
  const login = await begin(listener.redirectUri);
  app.warn(`open this address in a browser on this machine: ${login.url}`);
  const answer = await listener.answer(login.state, TEN_MINUTES_MS);
  if (answer !== undefined) return await login.complete(answer);
  throw new PalyraError("auth", "Cannot log in: no browser came back within ten minutes", {
    hint: "Where the browser is elsewhere, use --device-code or --paste",
  });
}

async function byPaste(app: App, begin: Begin): Promise<TokenSet> {
  const login = await begin(PASTED_REDIRECT);
  app.warn(`open this address in any browser: ${login.url}`);
  app.warn("log in there; then the browser cannot open a page of 127.0.0.1: give me its address");
  const { terminal, streams } = app.platform;
  const bytes = !terminal.inputIsTerminal()
    ? await streams.readInput(MAX_PASTED_BYTES)
    : app.options.interactive
    ? await terminal.readHidden("Address (not shown): ")
    : undefined;
  if (bytes === undefined) {
    throw new PalyraError("would_prompt", "Cannot log in: the address was not given");
  }
  using pasted = new SensitiveBytes(bytes);
  const text = (decodeUtf8(pasted.reveal()) ?? "").trim();
  if (!URL.canParse(text)) {
    throw new PalyraError("usage", "Cannot log in: what was given is no address");
  }
  return await login.complete(new URL(text));
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

function providerOf({ issuer }: AuthLoginFlags, text: string | undefined): ProviderKey {
  if (text !== undefined) return parseProvider(text);
  if (issuer === undefined) {
    throw new PalyraError("usage", "Cannot log in: name a provider, or --issuer URL");
  }
  const host = new URL(parseEndpoint(issuer)).hostname.replaceAll(/[^a-z0-9.-]/g, "");
  return parseProvider(`custom:${host || "local"}`);
}

function serverOf(flags: AuthLoginFlags, provider: ProviderKey): ServerPreset {
  const { issuer, "token-endpoint": token } = flags;
  const [authorization, device] = [flags["authorization-endpoint"], flags["device-endpoint"]];
  const known = presetOf(provider);
  if (token !== undefined) {
    return {
      scopes: known?.scopes ?? [],
      tokenEndpoint: parseEndpoint(token),
      ...(issuer === undefined ? {} : { issuer: parseEndpoint(issuer) }),
      ...(authorization === undefined
        ? {}
        : { authorizationEndpoint: parseEndpoint(authorization) }),
      ...(device === undefined ? {} : { deviceAuthorizationEndpoint: parseEndpoint(device) }),
    };
  }
  if (issuer !== undefined) return { scopes: known?.scopes ?? [], issuer: parseEndpoint(issuer) };
  if (known !== undefined) return known;
  throw new PalyraError("usage", `Cannot log in at ${provider}: palyra does not know its server`, {
    hint: "--issuer URL, or --token-endpoint with --authorization-endpoint or --device-endpoint",
  });
}

async function secretOf(app: App, ref: string): Promise<string> {
  using vault = await openVaultToRead(app, { opensValues: true });
  using opened = await readSecret(vault, parseSecretId(ref));
  const text = decodeUtf8(opened.value.reveal());
  if (text !== undefined) return text;
  throw new PalyraError("usage", "Cannot log in: the client's secret is not text");
}
