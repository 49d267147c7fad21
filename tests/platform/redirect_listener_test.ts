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
