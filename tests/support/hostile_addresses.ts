/** Addresses near one that is mapped: what a client is made to ask for by whoever wants its secret. */

import fc from "fast-check";

const DOTS = ["/..", "/.", "/../x", "/%2e%2e/x", "/a/../../x", "/.%2e/", "\\..\\x"];
const PORTS = [":443", ":444", ":0", ":00443", ":80", ":65536", ":4443", ":", ":+443", ":４４３"];
const SCHEMES = ["http", "https", "ssh", "ftp", "HTTPS", "file", "sparse+https", "httpſ", ""];
const USERS = [
  "bob@",
  "bob:x@",
  "@",
  "evil.org@",
  "evil.org#@",
  "evil.org\\@",
  "evil.org/@",
  "%40",
];
const AROUND = [
  "evil.",
  "x",
  "-",
  "%00",
  "%2e",
  "\0",
  " ",
  "\t",
  "[",
  "。",
  "\u200b",
  "\ud800",
  ".",
];
const AFTER = [
  ".evil.org",
  "evil",
  ".",
  "%00.evil.org",
  "%2fevil",
  "#.evil.org",
  "?.evil.org",
  "。",
];
const LOOK_ALIKE: Readonly<Record<string, string>> = {
  a: "а",
  e: "е",
  o: "ο",
  i: "ı",
  s: "ſ",
  k: "\u212a",
  ".": "。",
  "/": "∕",
  ":": "：",
};

type Part = "scheme" | "user" | "before" | "host" | "after" | "port" | "path";
const PARTS: readonly Part[] = ["scheme", "user", "before", "host", "after", "port", "path"];

/** Texts that differ from an address in up to two parts; some of them in nothing that matters. */
export function nearServers(scheme: string, host: string, path: string): fc.Arbitrary<string> {
  const wrong: Readonly<Record<Part, fc.Arbitrary<string>>> = {
    scheme: fc.constantFrom(...SCHEMES),
    user: fc.constantFrom(...USERS),
    before: fc.constantFrom(...AROUND),
    host: fc.oneof(fc.constantFrom(host.toUpperCase(), "evil.org", ""), nearTexts(host)),
    after: fc.constantFrom(...AFTER),
    port: fc.constantFrom(...PORTS),
    path: fc.oneof(
      fc.constantFrom("", "/", ...DOTS.map((dots) => `${path}${dots}`), ...DOTS),
      nearTexts(path),
    ),
  };
  const right: Readonly<Record<Part, string>> = {
    ...{ scheme, host, path },
    ...{ user: "", before: "", after: "", port: "" },
  };
  return fc.tuple(fc.subarray([...PARTS], { maxLength: 2 }), fc.record(wrong)).map(
    ([changed, by]) => {
      const [first, ...rest] = PARTS.map((part) => changed.includes(part) ? by[part] : right[part]);
      return `${first}${first === "" ? "" : "://"}${rest.join("")}`;
    },
  );
}

/** The text itself, or with a letter lost, doubled, exchanged, or that only looks the same. */
export function nearTexts(text: string): fc.Arbitrary<string> {
  const odd = fc.constantFrom("", "/", ".", "..", "*", "#1", " ", "%2f", "\0", "\u202e", "é", "x");
  return fc.tuple(fc.nat(text.length), fc.constantFrom("same", "lost", "odd", "alike", "case"), odd)
    .map(([at, how, other]) => {
      const letter = text[at] ?? "";
      const by: Readonly<Record<string, string>> = {
        same: letter,
        lost: "",
        odd: `${other}${letter}`,
        alike: LOOK_ALIKE[letter] ?? letter,
        case: letter.toUpperCase(),
      };
      return text.slice(0, at) + by[how] + text.slice(at + 1);
    });
}
