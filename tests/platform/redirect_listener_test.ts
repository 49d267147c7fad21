/** Where a browser comes back: only with the state that was given, once, and without a trace of the code. */

import assert from "node:assert/strict";
import { openRedirectListener } from "../../src/platform/deno/redirect_listener.ts";

Deno.test("other requests are turned away and waited past; the right one is answered without the code", async () => {
  await using listener = openRedirectListener(0);
  const { redirectUri } = listener;
  assert.match(redirectUri, /^http:\/\/127\.0\.0\.1:\d+\/callback$/);
  const early = await fetch(`${redirectUri}?state=right&code=c`);
  assert.equal(early.status, 404, "before anybody waits");
  await early.text();
  const answer = listener.answer("right", 5_000);
  const wrong: [string, RequestInit?][] = [
    [`${redirectUri}?state=wrong&code=c`],
    [`${redirectUri}?code=c`],
    [`${redirectUri}?state=right&state=right&code=c`],
    [`${redirectUri.replace("callback", "other")}?state=right&code=c`],
    [`${redirectUri}?state=right&code=c`, { method: "POST" }],
    [`${redirectUri}?state=right&code=${"c".repeat(20_000)}`],
  ];
  for (const [url, init] of wrong) {
    const response = await fetch(url, init);
    assert.ok(response.status >= 400, url.slice(0, 80));
    await response.text();
  }
  const response = await fetch(`${redirectUri}?state=right&code=the-code`);
  const page = await response.text();
  assert.equal(response.status, 200);
  assert.ok(!page.includes("the-code") && !page.includes("<script"));
  assert.equal(response.headers.get("content-security-policy"), "default-src 'none'");
  assert.equal(response.headers.get("referrer-policy"), "no-referrer");
  assert.equal((await answer)!.searchParams.get("code"), "the-code");
});

Deno.test("who waits in vain is told so, and a port that is taken is refused", async () => {
  await using listener = openRedirectListener(0);
  assert.equal(await listener.answer("state", 50), undefined);
  const port = Number(new URL(listener.redirectUri).port);
  assert.throws(() => openRedirectListener(port), /port cannot be had/);
});

const UNFINISHED: Readonly<Record<string, string>> = {
  "a body that does not come": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
  "half a head": "GET / HT",
  "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
  "answers that nobody reads": "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20_000),
};

Deno.test("a connection that somebody leaves open keeps no login, and no browser from its page", async () => {
  for (const [what, text] of Object.entries(UNFINISHED)) {
    const listener = openRedirectListener(0);
    const { hostname, port } = new URL(listener.redirectUri);
    using left = await Deno.connect({ hostname, port: Number(port) });
    const written = left.write(new TextEncoder().encode(text)).catch(() => 0);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const answer = listener.answer("right", 5_000);
    const response = fetch(`${listener.redirectUri}?state=right&code=c`);
    assert.equal((await answer)!.searchParams.get("code"), "c", what);
    const late = Promise.withResolvers<string>();
    const timer = setTimeout(late.resolve, 5_000, "late");
    assert.equal(await Promise.race([listener[Symbol.asyncDispose](), late.promise]), undefined);
    clearTimeout(timer);
    const { status, headers } = await response;
    assert.deepEqual([status, headers.get("connection")], [200, "close"], what);
    assert.match(await (await response).text(), /palyra has the answer/);
    await written;
  }
});
