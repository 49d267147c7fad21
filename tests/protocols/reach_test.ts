/** No client reaches what its mapping does not name: each protocol, asked for what is near it a thousand times. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { PROTOCOLS } from "../../src/cli/protocols/known.ts";
import type { RuleTable } from "../../src/protocols/rules.ts";
import { type Asked, askInProcess } from "../support/asked_in_process.ts";
import { say } from "../support/dice.ts";
import { nearServers, nearTexts } from "../support/hostile_addresses.ts";
import { checkProperty } from "../support/properties.ts";

const SECRET = "c4nary-value";
const HOST = "git.example.org";

interface Near {
  /** Of the one rule. */
  readonly match: string;
  readonly texts: fc.Arbitrary<string>;
  readonly ask: (text: string) => Asked;
  /** Whether it may be given for this text, told without palyra's own reading of addresses. */
  readonly may: (text: string) => boolean;
}

/** As the standard for URLs reads it: the same server, nobody's name in it, a path below the mapped one. */
function isServer(scheme: string, path: string): (text: string) => boolean {
  return (text) => {
    // Below a mapped path any letters are the same server's business; before it they are not.
    if (!/^[\x21-\x7e]+$/.test(text.slice(0, text.indexOf("/", 10)))) return false;
    if (/[\p{Cc}\s\\]/u.test(text)) return false;
    let url: URL;
    try {
      url = new URL(text);
    } catch {
      return false;
    }
    // Of a scheme that the standard does not know it compares letters: hosts have no case.
    const host = url.hostname.toLowerCase();
    const port = url.port === "" ? "443" : url.port;
    return url.protocol === `${scheme}:` && host === HOST && port === "443" &&
      !text.replace(/^[^:]+:\/\//, "").replace(/[/?#].*$/s, "").includes("@") &&
      (url.pathname === path || url.pathname.startsWith(path)) &&
      !/%2e|%2f|\/\.\.?(?:\/|$)/i.test(text.replace(/[?#].*$/s, ""));
  };
}

const gitRequest = (text: string): Asked => {
  const [, scheme = "", host = "", path = ""] = /^([^:]*):\/\/([^/]*)\/?(.*)$/s.exec(text) ?? [];
  const lines = [`protocol=${scheme}`, `host=${host}`, ...(path === "" ? [] : [`path=${path}`])];
  return { args: ["get"], stdin: `${lines.join("\n")}\n\n` };
};
const server = (ask: Near["ask"], scheme = "https", path = "/org/"): Near => ({
  match: `${scheme}://${HOST}${path}${path === "" ? "" : "*"}`,
  texts: nearServers(scheme, HOST, `${path}a`),
  ask,
  may: isServer(scheme, path),
});
const exact = (label: string, ask: Near["ask"], may = (text: string) => text === label): Near => ({
  match: label,
  texts: nearTexts(label),
  ask,
  may,
});
const execInfo = (text: string): string => JSON.stringify({ spec: { cluster: { server: text } } });
const ids = (text: string): string => JSON.stringify({ protocolVersion: 1, ids: [text] });
const bareHost = (text: string): boolean => text.toLowerCase() === HOST;
/** A map names a host and no path, so that nothing below it is given. */
const onlyHost = (text: string): boolean =>
  isServer("https", "/")(text) && !/\/[^/]/.test(text.slice(8));

const NEAR: Readonly<Record<string, Near>> = {
  ansible: exact("dev", (text) => ({ args: ["--vault-id", text] })),
  askpass: {
    ...server((text) => ({ args: [`Password for '${text}': `] })),
    may: (text) => isServer("https", "/org/")(text.replace("://bob@", "://")),
  },
  "askpass of ssh": exact("ssh:/home/bob/.ssh/id", (text) => ({
    args: [`Enter passphrase for ${text.replace(/^ssh:/, "")}: `],
  }), (text) => text.replace(/^ssh:/, "") === "/home/bob/.ssh/id"),
  "askpass of sudo": exact("sudo:bob", (text) => ({
    args: [`[sudo] password for ${text.replace(/^sudo:/, "")}: `],
  }), (text) => text.replace(/^sudo:/, "") === "bob"),
  aws: exact("prod", (text) => ({ args: [text] })),
  bazel: server((text) => ({ args: ["get"], stdin: JSON.stringify({ uri: text }) })),
  cargo: server((text) => ({
    stdin: `${JSON.stringify({ v: 1, registry: { "index-url": text }, kind: "get" })}\n`,
  }), "sparse+https"),
  docker: {
    ...exact(HOST, (text) => ({ args: ["get"], stdin: text }), (text) => bareHost(text.trim())),
    texts: nearServers("", HOST, ""),
  },
  "docker in full": {
    ...server((text) => ({ args: ["get"], stdin: text }), "https", "/"),
    texts: fc.oneof(nearServers("", HOST, ""), nearServers("https", HOST, "/")),
    may: (text) => {
      const asked = text.trim();
      return isServer("https", "/")(asked.includes("://") ? asked : `https://${asked}`);
    },
  },
  git: server(gitRequest),
  keyring: server((text) => ({ args: ["get", text, "bob"] })),
  kubernetes: server((text) => ({ env: { KUBERNETES_EXEC_INFO: execInfo(text) } })),
  openclaw: exact("team/key", (text) => ({ stdin: ids(text) })),
  podman: exact("a1b2c3", (text) => ({ args: ["lookup"], env: { SECRET_ID: text } })),
  summon: exact("team/key", (text) => ({ stdin: `${text}\n` })),
  systemd: exact("unit.key", (text) => ({ args: [text] })),
  terraform: {
    ...exact(HOST, (text) => ({ args: ["get", text] }), bareHost),
    texts: nearServers("", HOST, ""),
  },
  token: exact("claude", (text) => ({ args: [text] })),
  "vault-token": {
    ...server((text) => ({ args: ["get"], env: { VAULT_ADDR: text } }), "https", ""),
    texts: nearServers("https", HOST, ""),
    may: onlyHost,
  },
};

for (const [name, { match, texts, ask, may }] of Object.entries(NEAR)) {
  Deno.test(`${name}: only what is mapped is given, whatever is asked for`, async () => {
    const protocol = await PROTOCOLS[name.split(" ")[0]!]!.load();
    const rule = { match, ref: "global/canary", username: "bob" };
    const table: RuleTable = { maps: [rule], allow: [], storeScope: undefined };
    const counts = { given: 0, refused: 0, near: 0 };
    await checkProperty(
      name,
      fc.asyncProperty(texts, async (text) => {
        const { out, err } = await askInProcess(protocol, table, SECRET, ask(text));
        const all = `${out}${atobOrNothing(out)}`;
        assert.ok(!err.includes(SECRET), "no value is ever in an error");
        if (!all.includes(SECRET)) {
          counts.refused++;
          if (may(text)) counts.near++;
          return;
        }
        counts.given++;
        assert.ok(may(text), `given for ${JSON.stringify(text)}`);
      }),
    );
    say(
      `${name}: given ${counts.given}, refused ${counts.refused}, of which allowed ${counts.near}`,
    );
    assert.ok(counts.given >= 10, `only ${counts.given} were given`);
    assert.ok(counts.refused >= 100, `only ${counts.refused} were refused`);
  });
}

Deno.test("every protocol is asked", () => {
  const asked = new Set(Object.keys(NEAR).map((name) => name.split(" ")[0]));
  assert.deepEqual([...asked].sort(), Object.keys(PROTOCOLS).sort());
});

const ALLOWED = [
  "ansible",
  "aws",
  "openclaw",
  "summon",
  "systemd",
  "token",
  "askpass",
  "kubernetes",
];

Deno.test("where an id is a reference, only what allow lists is given", async () => {
  const table: RuleTable = { maps: [], allow: ["global/open_*"], storeScope: undefined };
  const counts = { given: 0, refused: 0 };
  const prefixes = fc.constantFrom("", "vault://", "VAULT://", "vault:", "env:", "file:/");
  const texts = fc.tuple(prefixes, nearTexts("global/open_a/b")).map((parts) => parts.join(""));
  await checkProperty(
    "references",
    fc.asyncProperty(fc.constantFrom(...ALLOWED), texts, async (name, text) => {
      const protocol = await PROTOCOLS[name]!.load();
      const how = name === "askpass" || name === "kubernetes"
        ? { args: [text] }
        : NEAR[name]!.ask(text);
      const secret = name === "aws" ? AWS : SECRET;
      const { out, err } = await askInProcess(protocol, table, secret, how);
      assert.ok(!err.includes(SECRET));
      if (!`${out}${atobOrNothing(out)}`.includes(SECRET)) return void counts.refused++;
      counts.given++;
      assert.match(text, /^(?:vault:\/\/)?global\/open_[a-z0-9._/-]*(?:#[1-9]\d*)?$/, name);
      assert.doesNotMatch(text.replace("vault://", ""), /\/\.{0,2}(?:\/|$)/);
    }),
  );
  say(`references: given ${counts.given}, refused ${counts.refused}`);
  assert.ok(counts.given >= 50 && counts.refused >= 200);
});

Deno.test("where an id is an auth profile, only the one that allow lists is given", async () => {
  const table: RuleTable = { maps: [], allow: ["auth:work"], storeScope: undefined };
  const counts = { given: 0, refused: 0 };
  const prefixes = fc.constantFrom("", "", "", "auth:", "vault://", "global/");
  const texts = fc.tuple(prefixes, nearTexts("auth:work")).map((parts) => parts.join(""));
  await checkProperty(
    "profiles",
    fc.asyncProperty(fc.constantFrom(...ALLOWED), texts, async (name, text) => {
      const protocol = await PROTOCOLS[name]!.load();
      const how = name === "askpass" || name === "kubernetes"
        ? { args: [text] }
        : NEAR[name]!.ask(text);
      const secret = name === "aws" ? AWS : SECRET;
      const { out, err } = await askInProcess(protocol, table, secret, how);
      assert.ok(!err.includes(SECRET));
      if (!`${out}${atobOrNothing(out)}`.includes(SECRET)) return void counts.refused++;
      counts.given++;
      // A stream of paths that ends in a line end or not asks for the same.
      assert.equal(text.replace(/\n$/, ""), "auth:work", name);
    }),
  );
  say(`profiles: given ${counts.given}, refused ${counts.refused}`);
  assert.ok(counts.given >= 20 && counts.refused >= 200);
});

const AWS = JSON.stringify({ AccessKeyId: "A", SecretAccessKey: SECRET });

/** summon answers in base64, and bazel within its header. */
function atobOrNothing(text: string): string {
  const encoded = /([A-Za-z0-9+/]{12,}=*)\s*"?\]?\}?\}?\s*$/.exec(text.trim())?.[1];
  try {
    return encoded === undefined ? "" : atob(encoded);
  } catch {
    return "";
  }
}
