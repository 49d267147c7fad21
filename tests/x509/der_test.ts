/** Our own DER: against OpenSSL's parser, and against itself. */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  der,
  derElements,
  derInteger,
  derNumber,
  derObjectIdentifier,
  derTime,
  TAG,
} from "../../src/x509/der.ts";
import { formatPem, parsePem } from "../../src/x509/pem.ts";
import { checkProperty } from "../support/properties.ts";
import { runProcess } from "../support/process.ts";

async function asn1parse(bytes: Uint8Array): Promise<string> {
  const argv = ["/usr/bin/openssl", "asn1parse", "-inform", "DER", "-i"];
  const { status, out, err } = await runProcess({ argv, stdin: bytes });
  assert.equal(status, 0, err);
  return out;
}

Deno.test("OpenSSL reads what is written", async () => {
  const text = await asn1parse(der(
    TAG.sequence,
    derNumber(0),
    derNumber(127),
    derNumber(128),
    derNumber(65_536),
    derNumber(Number.MAX_SAFE_INTEGER),
    derInteger(Uint8Array.of(0, 0, 0xff)),
    derObjectIdentifier("1.2.840.10045.4.3.2"),
    derObjectIdentifier("2.5.29.20"),
    derTime(new Date("2049-12-31T23:59:59.999Z")),
    derTime(new Date("2050-01-01T00:00:00Z")),
    der(TAG.octetString, new Uint8Array(300)),
  ));
  for (
    const value of [
      "7F",
      "80",
      "010000",
      "1FFFFFFFFFFFFF",
      "ecdsa-with-SHA256",
      "X509v3 CRL Number",
      "491231235959Z",
      "20500101000000Z",
    ]
  ) {
    assert.ok(text.includes(value), `${value}: ${text}`);
  }
});

Deno.test("what is written is read back, and what is cut or has another length is not", async () => {
  const content = fc.uint8Array({ maxLength: 70_000 });
  await checkProperty(
    "der",
    fc.property(content, fc.uint8Array({ maxLength: 200 }), (first, second) => {
      const whole = der(TAG.sequence, der(TAG.octetString, first), derInteger(second));
      const [outer, ...rest] = derElements(whole)!;
      assert.deepEqual(rest, []);
      const [one, two] = derElements(outer!.content)!;
      assert.equal(Uint8Array.from(one!.content).toHex(), Uint8Array.from(first).toHex());
      const number = Uint8Array.from(two!.content).toHex();
      const digits = Uint8Array.from(second).toHex();
      assert.equal(BigInt(`0x${number}`), BigInt(`0x${digits || "0"}`));
      assert.ok((two!.content[0]! & 0x80) === 0, "never negative");
      assert.equal(derElements(whole.subarray(0, -1)), undefined);
    }),
  );
  for (
    const hex of [
      "30",
      "3081",
      "308001",
      "30820001ff",
      "3084ffffffff",
      "1f8100",
      "3003020101ff",
      "30850000000001",
    ]
  ) {
    assert.equal(derElements(Uint8Array.fromHex(hex)), undefined, hex);
  }
});

Deno.test("PEM is read back, and nothing else is read", async () => {
  await checkProperty(
    "pem",
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 500 }), (bytes) => {
      const text = formatPem("CERTIFICATE", bytes);
      assert.deepEqual(parsePem("CERTIFICATE", text), Uint8Array.from(bytes));
      assert.deepEqual(
        parsePem("CERTIFICATE", text.replaceAll("\n", "\r\n")),
        Uint8Array.from(bytes),
      );
      assert.equal(parsePem("X509 CRL", text), undefined);
      assert.equal(parsePem("CERTIFICATE", text + text), undefined);
      assert.equal(parsePem("CERTIFICATE", `x${text}`), undefined);
    }),
  );
});
