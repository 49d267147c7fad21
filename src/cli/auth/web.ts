/** The network of auth: every request to a server of a profile, as the config allows it. */

import type { AuthNetwork } from "../../config/auth_network.ts";
import type { Config } from "../../config/config.ts";
import type { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { isPalyraError, PalyraError } from "../../errors.ts";
import type { WebFetch, WebPolicy } from "../../platform/web.ts";
import type { App } from "../app.ts";

/** A way to servers. Disposing wipes the proxy's credential. */
export interface AuthWeb extends Disposable {
  readonly send: WebFetch;
}

const LOOPBACK: readonly string[] = ["127.0.0.0/8", "::1"];
const MAX_CA_BYTES = 1_048_576;
const MAX_CREDENTIAL_BYTES = 1_024;
const [SPACE, COLON] = [0x20, 0x3a];

/**
 * What may be asked for the sake of an endpoint: public addresses, those that the config allows, and
 * this machine itself where the endpoint names it by `localhost` or an address. Servers of this machine
 * are never asked through the proxy. Throws `usage` for a wrong table, `denied` for one that is not
 * trusted, and what reading the credential throws.
 */
export async function webFor(app: App, endpoint: string): Promise<AuthWeb> {
  const { isOfThisMachine } = await import("../../network/address_rules.ts");
  const isHere = (url: string): boolean => isOfThisMachine(URL.parse(url));
  const config = await configOfAuth(app);
  const network = config && await networkIn(config);
  const certificates = network === undefined ? [] : await certificatesOf(app, config!, network);
  const direct: WebPolicy = {
    allow: [...network?.allow ?? [], ...(isHere(endpoint) ? LOOPBACK : [])],
    caCertificates: certificates,
  };
  const web = await app.platform.web();
  const { proxy } = network ?? {};
  const here = web.client(direct);
  if (proxy === undefined) return { send: here, [Symbol.dispose]: () => {} };
  const credential = proxy.hasCredential ? await credentialOf(app, config!) : undefined;
  const { host, port } = proxy;
  const through = web.client({
    ...direct,
    proxy: { host, port, ...(credential && { credentials: credential.reveal() }) },
  });
  return {
    send: (url, request) => (isHere(url) ? here : through)(url, request),
    [Symbol.dispose]: () => credential?.[Symbol.dispose](),
  };
}

/**
 * The config that steers the network: the one that is found, where it may; the user's own where the one
 * that was found by search says nothing of auth. Throws `denied` for one that says so untrusted.
 */
async function configOfAuth(app: App): Promise<Config | undefined> {
  const { platform, options } = app;
  const [{ findExistingConfig, findOwnConfig }, { readConfig }, documents] = await Promise.all([
    import("../../config/location.ts"),
    import("../../config/config.ts"),
    platform.documents(),
  ]);
  if (options.searchesConfig) {
    const location = await findExistingConfig(platform, options.config);
    if (location?.origin === "search") {
      const found = await readFound(app, () => readConfig(documents, location));
      if (found !== undefined) return found;
    }
  }
  const own = await findOwnConfig(platform, options.config);
  return own && await readConfig(documents, own);
}

/** A config that was found by search, if it says anything of auth; what is no config says nothing. */
async function readFound(app: App, read: () => Promise<Config>): Promise<Config | undefined> {
  const config = await read().catch((error) => {
    if (isPalyraError(error)) return undefined;
    throw error;
  });
  if (config === undefined || !Object.hasOwn(config.table, "auth")) return undefined;
  const { requireTrustedConfig } = await import("../configs.ts");
  return await requireTrustedConfig(app, config, read);
}

async function networkIn(config: Config): Promise<AuthNetwork | undefined> {
  if (!Object.hasOwn(config.table, "auth")) return undefined;
  const { readAuthNetwork } = await import("../../config/auth_network.ts");
  return readAuthNetwork(config.table);
}

/** PEM texts; files are read where only this user and root could have put them. */
async function certificatesOf(
  app: App,
  config: Config,
  { caCertificates }: AuthNetwork,
): Promise<string[]> {
  if (caCertificates.length === 0) return [];
  const [{ absolutePath }, { decodeUtf8 }, files] = await Promise.all([
    import("../../config/lookup.ts"),
    import("../../crypto/encoding.ts"),
    app.platform.secretFiles(),
  ]);
  const name = "auth.network.ca_certificates";
  return caCertificates.map((text) => {
    if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
    const path = absolutePath(config, text, name);
    const place = { trustedDirs: ["/"], allowSymlinks: true, maxBytes: MAX_CA_BYTES };
    const bytes = files.read({ path, ...place });
    const pem = bytes === undefined ? undefined : decodeUtf8(bytes);
    if (pem?.includes("-----BEGIN CERTIFICATE-----")) return pem;
    const why = bytes === undefined ? "there is no such file" : "it holds no certificate in PEM";
    throw new PalyraError("usage", `Cannot use ${name}: ${path}: ${why}`);
  });
}

/** The proxy's `user:password`; the caller wipes it. */
async function credentialOf(app: App, config: Config): Promise<SensitiveBytes> {
  const [{ PROXY_CREDENTIAL }, { referenceAt }, { resolveSecrets }, { openVaultToRead }] =
    await Promise.all([
      import("../../config/auth_network.ts"),
      import("../../config/lookup.ts"),
      import("../../resolver/resolver.ts"),
      import("../stores.ts"),
    ]);
  const { source, maxBytes = MAX_CREDENTIAL_BYTES } = referenceAt(config, PROXY_CREDENTIAL);
  const resolved = await resolveSecrets([{ ref: source, maxBytes }], {
    openVault: () => openVaultToRead(app, { opensValues: true }),
    platform: app.platform,
  });
  const credential = resolved.values[0]!;
  const bytes = credential.reveal();
  if (bytes.includes(COLON) && bytes.every((byte) => byte >= SPACE)) return credential;
  resolved[Symbol.dispose]();
  throw new PalyraError(
    "usage",
    `Cannot use ${PROXY_CREDENTIAL}: it is not one line of the form USER:PASSWORD`,
  );
}
