/** The real git, led elsewhere: by a redirect, a user name that looks like a host, another port, a path. */

import assert from "node:assert/strict";
import { startClientServer } from "../../support/client_server.ts";
import { type RealClient, testWithClient } from "../../support/real_client.ts";

const SECRET = "s3cr3t";
const BASIC = `Basic ${btoa(`bob:${SECRET}`)}`;

for (const way of ["git", "askpass"] as const) {
  testWithClient(`git led elsewhere, ${way}`, { program: "git" }, "", async (real) => {
    const { client, program, run } = real;
    await using server = startClientServer(BASIC);
    await using evil = startClientServer(BASIC);
    await using redirect = startRedirect(`http://127.0.0.1:${evil.port}`);
    const base = `http://127.0.0.1:${server.port}`;
    // Both are asked for: what leads away is known to palyra, where it leads to is not.
    const match = [`${base}/*`, `http://127.0.0.1:${redirect.port}/*`];
    client.rules(
      match.map((one) =>
        `[[helper.${way}.map]]\nmatch = "${one}"\nref = "global/secret"\nusername = "bob"\n`
      ).join(""),
    );
    await client.store("global/secret", SECRET);
    const settings = await settingsOf(real, way);
    const list = async (url: string): Promise<number> => {
      const { status, out, err } = await run([program, ...settings.flags, "ls-remote", url], {
        env: { GIT_TERMINAL_PROMPT: "0", ...settings.env },
      });
      assert.doesNotMatch(out + err, new RegExp(SECRET));
      return status;
    };
    assert.equal(await list(`${base}/r.git`), 0, "where it should go");
    assert.equal(await list(`${base.replace("//", "//bob@")}/r.git`), 0, "as the mapped user");
    assert.equal(await list(`${base.replace("//", "//al@")}/r.git`), 128, "as another user");
    const asked = server.requests.length;
    for (
      const url of [
        `http://127.0.0.1:${redirect.port}/r.git`,
        `http://127.0.0.1:${evil.port}/r.git`,
        `http://127.0.0.1:${server.port}@127.0.0.1:${evil.port}/r.git`,
        `http://127.0.0.1%3a${server.port}%2f@127.0.0.1:${evil.port}/r.git`,
        `http://bob@127.0.0.1:${evil.port}/127.0.0.1:${server.port}/r.git`,
      ]
    ) assert.equal(await list(url), 128, url);
    assert.ok(evil.requests.length >= 5, "the other server was asked each time");
    assert.deepEqual(evil.requests.filter(({ authorization }) => authorization === BASIC), []);
    assert.equal(server.requests.length, asked);
  });
}

async function settingsOf(
  real: RealClient,
  way: "git" | "askpass",
): Promise<{ flags: readonly string[]; env: Readonly<Record<string, string>> }> {
  if (way === "askpass") {
    const env = { GIT_ASKPASS: await real.install("askpass") };
    return { flags: ["-c", "credential.helper="], env };
  }
  await real.install("git", "--write");
  return { flags: [], env: { GIT_ASKPASS: "/bin/false" } };
}

function startRedirect(to: string): AsyncDisposable & { readonly port: number } {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { pathname, search } = new URL(request.url);
    return Response.redirect(`${to}${pathname}${search}`, 302);
  });
  const { port } = server.addr as Deno.NetAddr;
  return { port, [Symbol.asyncDispose]: () => server.shutdown() };
}
