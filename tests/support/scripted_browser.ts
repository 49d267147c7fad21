/** A browser that follows a login by itself: redirects, cookies and forms, and nothing else. */

import assert from "node:assert/strict";

const MOST_STEPS = 30;

/** What the person at the browser types and presses. */
export interface Person {
  readonly login: string;
  /** What is typed into a field for a device's code. */
  readonly userCode?: string;
  /** Gives up where consent is asked for. */
  readonly refuses?: boolean;
}

/**
 * Follows a login from an address on. Returns the first address for which `isEnd` holds, which is not
 * opened, or the text of the last page.
 */
export async function browse(
  from: string,
  person: Person,
  isEnd: (url: URL) => boolean,
): Promise<{ readonly end: URL | undefined; readonly page: string }> {
  const cookies = new Map<string, string>();
  let url = new URL(from);
  let init: RequestInit = {};
  for (let step = 0; step < MOST_STEPS; step++) {
    if (isEnd(url)) return { end: url, page: "" };
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...init.headers as Record<string, string>, cookie };
    const response = await fetch(url, { ...init, headers, redirect: "manual" });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      cookies.set(name!, value!);
    }
    const page = await response.text();
    const location = response.headers.get("location");
    if (location !== null) {
      url = new URL(location, url);
      init = {};
      continue;
    }
    if (person.refuses && /consent/i.test(page)) {
      const abort = /href="([^"]*abort)"/.exec(page)?.[1];
      assert.ok(abort, "a way to refuse");
      url = new URL(abort, url);
      init = {};
      continue;
    }
    const form = /<form[^>]*action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/.exec(page);
    if (form === null) return { end: undefined, page };
    const fields = new URLSearchParams();
    for (const [input] of form[2]!.matchAll(/<(?:input|button)[^>]*>/g)) {
      const name = /name="([^"]*)"/.exec(input)?.[1];
      if (name === undefined) continue;
      const value = /value="([^"]*)"/.exec(input)?.[1] ?? "";
      if (name === "abort") continue;
      if (name === "login") fields.set(name, person.login);
      else if (name === "password") fields.set(name, "anything");
      else if (name === "user_code") fields.set(name, person.userCode ?? value);
      else fields.set(name, value);
    }
    url = new URL(form[1]!.replaceAll("&amp;", "&"), url);
    init = {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: fields.toString(),
    };
  }
  throw new Error("the login does not come to an end");
}
