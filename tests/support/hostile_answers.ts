/** What hostile and broken servers answer, and how commands that ask them have to end. */

import { json, metadataOf, plain, type Talk } from "./scripted_login.ts";

/** Where a server is asked. */
export const PLACES = ["discovery", "device", "code", "refresh", "key", "revoke"] as const;

/** Where a server is asked. */
export type Place = typeof PLACES[number];

/** One thing that a server does. */
export interface HostileCase {
  readonly what: string;
  readonly place: Place;
  /** What it does, by the address that it has. */
  readonly talk: (issuer: string) => Talk;
  /** The exit status. */
  readonly status: number;
}

/** Path of the request that each place is about. */
export const PATHS: Readonly<Record<Place, string>> = {
  discovery: "/.well-known/openid-configuration",
  device: "/device",
  code: "/token",
  refresh: "/token",
  key: "/v1/models",
  revoke: "/revoke",
};

const PIECE = "x".repeat(64 * 1024);
const JSON_HEAD = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
const METADATA_SERVICE = "http://169.254.169.254/latest/meta-data/";

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What goes wrong on the way, wherever a server is asked; the slow ones first. `canary` must never be told. */
function onTheWay(canary: string): Record<string, readonly [Talk, number?]> {
  return {
    "says nothing": [() => pause(12_000)],
    "sends a header byte by byte": [async (_seen, write) => {
      await write("HTTP/1.1 200 OK\r\nx: ");
      for (let at = 0; at < 120; at++) await write("y").then(() => pause(100));
    }],
    "sends a body byte by byte": [async (_seen, write) => {
      await write(`${JSON_HEAD}content-length: 9999\r\n\r\n{`);
      for (let at = 0; at < 120; at++) await write(" ").then(() => pause(100));
    }],
    "sends headers without end": [async (_seen, write) => {
      await write("HTTP/1.1 200 OK\r\n");
      for (;;) await write(`x-${canary}: ${PIECE.slice(0, 4_000)}\r\n`);
    }],
    "sends a gigabyte of JSON": [async (_seen, write) => {
      await write(`${JSON_HEAD}content-length: ${2 ** 30}\r\n\r\n{"a":"`);
      for (let at = 0; at < 2 ** 30; at += PIECE.length) await write(PIECE);
    }],
    "sends pieces without end": [async (_seen, write) => {
      await write(`${JSON_HEAD}transfer-encoding: chunked\r\n\r\n`);
      for (;;) await write(`10000\r\n${PIECE}\r\n`);
    }],
    "breaks off": [() => `${JSON_HEAD}content-length: 1000\r\n\r\n{"${canary}":`],
    "speaks something else": [() => `220 ${canary} ESMTP\r\n\r\n`],
    "sends two lengths": [
      () => `${JSON_HEAD}content-length: 2\r\ncontent-length: 40\r\n\r\n{}${canary}`,
    ],
    "sends a header with a NUL": [() => `HTTP/1.1 200 OK\r\nx: \0${canary}\r\n\r\n{}`],
    "sends something packed": [() => json({ packed: canary }, 200, "content-encoding: gzip\r\n")],
    "sends elsewhere, to a metadata service": [
      () => plain(canary, 302, `location: ${METADATA_SERVICE}${canary}\r\n`),
      6,
    ],
    "sends in a circle": [({ path }) => plain("", 307, `location: ${path}\r\n`), 6],
    "fails": [() => plain(canary, 500)],
    "asks for a password": [
      () => plain(canary, 401, `www-authenticate: Basic realm="${canary}"\r\n`),
    ],
  };
}

/** Documents that are none, wherever one is needed. */
function noDocuments(canary: string): Record<string, string> {
  return {
    "a page": plain(`<html>${canary}</html>`, 200, "content-type: text/html\r\n"),
    "JSON of another type": plain(`{"a":"${canary}"}`, 200, "content-type: text/plain\r\n"),
    "a list": json([canary]),
    "a text": json(canary),
    "null": json(null),
    "half of a document": plain(`{"a":"${canary}`, 200, "content-type: application/json\r\n"),
    "a deep document": plain("[".repeat(200_000), 200, "content-type: application/json\r\n"),
  };
}

function tokens(canary: string): Record<string, unknown> {
  const good = { access_token: canary, token_type: "Bearer" };
  return {
    "no access token": { token_type: "Bearer", refresh_token: canary },
    "an empty access token": { ...good, access_token: "" },
    "an access token of lines": { ...good, access_token: `${canary}\r\nx` },
    "an access token that is a number": { ...good, access_token: 5 },
    "an access token that is a list": { ...good, access_token: [canary] },
    "an access token too long for any header": { ...good, access_token: canary.repeat(2_000) },
    "no type": { access_token: canary },
    "a type that is no text": { ...good, token_type: 5 },
    "the type mac": { ...good, token_type: "mac" },
    "the type DPoP": { ...good, token_type: "DPoP" },
    "a refresh token that is a number": { ...good, refresh_token: 5 },
    "an empty refresh token": { ...good, refresh_token: "" },
    "a refresh token with escapes": { ...good, refresh_token: `${canary}\x1b[2J` },
  };
}

function refusals(canary: string): Record<string, readonly [string, number]> {
  const escapes = `\x1b]0;${canary}\x07\r\n\u202e`;
  return {
    "an error of its own": [json({ error: canary, error_description: escapes }, 400), 3],
    "an error with escapes": [json({ error: escapes, error_uri: escapes }, 400), 3],
    "a known error with escapes": [
      json({ error: "invalid_grant", error_description: escapes }, 400),
      3,
    ],
    "an error beside tokens": [
      json({ error: "invalid_client", access_token: canary, token_type: "bearer" }, 401),
      3,
    ],
  };
}

/** Metadata by what is wrong with it. */
function metadata(issuer: string, canary: string): Record<string, readonly [unknown, number]> {
  const good = metadataOf(issuer);
  const endpoint = (name: string, value: unknown): Record<string, unknown> => ({
    ...good,
    [name]: value,
  });
  return {
    "another issuer": [endpoint("issuer", `https://${canary}.example`), 4],
    "no issuer": [endpoint("issuer", undefined), 4],
    "no token endpoint": [endpoint("token_endpoint", undefined), 4],
    "a token endpoint by http": [endpoint("token_endpoint", "http://evil.example/t"), 6],
    "a token endpoint in a file": [endpoint("token_endpoint", `file:///etc/${canary}`), 6],
    "a token endpoint that is a number": [endpoint("token_endpoint", 5), 6],
    "a token endpoint with a user": [endpoint("token_endpoint", "https://a:b@evil.example/"), 6],
    "a private token endpoint": [endpoint("token_endpoint", "https://10.0.0.1/token"), 6],
    "a token endpoint of a metadata service": [
      endpoint("token_endpoint", "https://169.254.169.254/token"),
      6,
    ],
    "a page that is a script": [endpoint("authorization_endpoint", `javascript:${canary}`), 6],
    "a page by http": [endpoint("authorization_endpoint", "http://evil.example/"), 6],
    "a page that is a list": [endpoint("authorization_endpoint", [canary]), 6],
    "codes from a file": [endpoint("device_authorization_endpoint", "file:///etc/passwd"), 6],
    "revocation by http": [endpoint("revocation_endpoint", "http://evil.example/r"), 6],
  };
}

function codes(issuer: string, canary: string): Record<string, readonly [unknown, number]> {
  const good = {
    device_code: canary,
    user_code: "WDJB-MJHT",
    verification_uri: `${issuer}/activate`,
    expires_in: 2,
    interval: 1,
  };
  return {
    "no code": [{ ...good, device_code: undefined }, 4],
    "a code for nobody": [{ ...good, user_code: "" }, 4],
    "a code with escapes": [{ ...good, user_code: `\x1b[2J${canary}` }, 4],
    "a code that turns around": [{ ...good, user_code: `\u202e${canary}` }, 4],
    "a code that nobody can type": [{ ...good, user_code: canary.repeat(10) }, 4],
    "a page that is a script": [{ ...good, verification_uri: `javascript:alert("${canary}")` }, 6],
    "a page in a file": [{ ...good, verification_uri: `file:///${canary}` }, 6],
    "a page by http": [{ ...good, verification_uri: "http://evil.example/" }, 6],
    "no page": [{ ...good, verification_uri: undefined }, 4],
    "an interval of nothing": [{ ...good, interval: 0 }, 4],
    "a negative interval": [{ ...good, interval: -1 }, 4],
    "an interval that no clock can hold": [{ ...good, interval: 4e9 }, 4],
    "an interval that is a text": [{ ...good, interval: "1" }, 4],
    "no end": [{ ...good, expires_in: undefined }, 4],
    "a negative end": [{ ...good, expires_in: -5 }, 4],
    "an end that has come": [{ ...good, expires_in: 0 }, 3],
  };
}

/** Every case; those that take the longest first. */
export function hostileCases(canary: string): HostileCase[] {
  const cases: HostileCase[] = [];
  for (const [what, [talk, status = 4]] of Object.entries(onTheWay(canary))) {
    for (const place of PLACES) {
      // RFC 6749 section 5.2 and the providers': a client that is not let in.
      const isRefused = what === "asks for a password" && place === "key";
      const isRefusedRefresh = what === "asks for a password" && place === "refresh";
      cases.push({
        what,
        place,
        talk: () => talk,
        status: isRefused || isRefusedRefresh ? 3 : status,
      });
    }
  }
  for (const [what, text] of Object.entries(noDocuments(canary))) {
    for (const place of ["discovery", "device", "code", "refresh"] as const) {
      cases.push({ what, place, talk: () => () => text, status: 4 });
    }
  }
  cases.push({
    what: "a page",
    place: "key",
    talk: () => () => plain(`<html>${canary}</html>`),
    status: 4,
  });
  for (const [what, document] of Object.entries(tokens(canary))) {
    for (const place of ["code", "refresh"] as const) {
      cases.push({ what, place, talk: () => () => json(document), status: 4 });
    }
  }
  for (const [what, [text, status]] of Object.entries(refusals(canary))) {
    for (const place of ["device", "code", "refresh"] as const) {
      cases.push({ what, place, talk: () => () => text, status });
    }
    // Only who refuses the client by name says that a person has to do something.
    const refused = text.includes("invalid_client") ? 3 : 4;
    cases.push({ what, place: "revoke", talk: () => () => text, status: refused });
  }
  for (const what of Object.keys(metadata("", ""))) {
    const of = (issuer: string): readonly [unknown, number] => metadata(issuer, canary)[what]!;
    cases.push({
      what,
      place: "discovery",
      talk: (issuer) => () => json(of(issuer)[0]),
      status: of("")[1],
    });
  }
  for (const what of Object.keys(codes("", ""))) {
    const of = (issuer: string): readonly [unknown, number] => codes(issuer, canary)[what]!;
    cases.push({
      what,
      place: "device",
      talk: (issuer) => () => json(of(issuer)[0]),
      status: of("")[1],
    });
  }
  return cases;
}
