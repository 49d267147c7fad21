/** IP addresses as text, ranges of them, and what the special ones are for. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { isWithin, parseAddressRange } from "../../src/network/address_range.ts";
import { addressRefusal } from "../../src/network/address_rules.ts";
import { parseIpAddress } from "../../src/network/ip_address.ts";
import { type SpecialUse, specialUseOf } from "../../src/network/special_ranges.ts";
import { checkProperty } from "../support/properties.ts";

/** First and last address of each block, and of what lies beside the blocks. */
const USES: Readonly<Record<SpecialUse | "public", string>> = {
  unspecified: "0.0.0.0 0.255.255.255 :: ::ffff:0.0.0.0",
  loopback: "127.0.0.0 127.255.255.255 ::1 ::ffff:127.0.0.1 ::ffff:7f00:1 64:ff9b::7f00:1",
  private: "10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.0.0 192.168.255.255 " +
    "fc00:: fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff fec0:: feff::1 64:ff9b::10.0.0.1",
  shared: "100.64.0.0 100.127.255.255",
  link_local: "169.254.0.0 169.254.255.255 fe80:: febf:ffff::1",
  metadata: "169.254.169.254 169.254.170.2 168.63.129.16 100.100.100.200 fd00:ec2::254 " +
    "::ffff:169.254.169.254 64:ff9b::a9fe:a9fe 192.0.0.192",
  multicast: "224.0.0.0 239.255.255.255 ff00:: ffff::1 ff02::1",
  documentation: "192.0.2.0 192.0.2.255 198.51.100.1 203.0.113.255 2001:db8:: 3fff:: 3fff:fff::1",
  benchmarking: "198.18.0.0 198.19.255.255 2001:2::1",
  transition: "192.88.99.1 64:ff9b:1::1 2001::1 2002:: 2002:808:808:: ::808:808 ::ffff:0:808:808",
  protocol: "192.0.0.0 192.0.0.170 192.31.196.1 192.52.193.1 192.175.48.1 2001:1::1 " +
    "2001:1ff:ffff::1 2620:4f:8000::1 100::1 100:0:0:1::1 5f00::1",
  reserved: "240.0.0.0 255.255.255.255 4000::1 1fff::1 200::1 e000::1 fe00::1 64:ff9b:0:1::1 " +
    "64:ff9b:2::1",
  public: "1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 " +
    "169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.167.255.255 " +
    "192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 2001:200::1 2606:4700::1111 " +
    "2a00:1450::1 3ffe:ffff::1 ::ffff:8.8.8.8 64:ff9b::808:808 168.63.129.15",
};

Deno.test("every block of the registries is known, from its first address to its last", () => {
  for (const [use, addresses] of Object.entries(USES)) {
    for (const text of addresses.split(" ")) {
      const address = parseIpAddress(text);
      assert.ok(address !== undefined, text);
      assert.equal(specialUseOf(address) ?? "public", use, text);
      assert.equal(addressRefusal(text, []), use === "public" ? undefined : use, text);
    }
  }
});

Deno.test("what is no address in its one spelling is none", () => {
  for (
    const text of [
      ...[
        "",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "01.2.3.4",
        "0x7f.0.0.1",
        "127.1",
        "1.2.3.4 ",
      ],
      ...[
        "::1%lo",
        "fe80::1%2",
        ":",
        ":::",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1::2::3",
        "::g",
      ],
      ...["12345::", "1:2:3:4:5:6:7:8::", "::1.2.3", "1.2.3.4::", "[::1]", "::1/128", "a.example"],
      ...["1.2.3.-4", "1..2.3", "+1.2.3.4", "1e1.2.3.4", "１.2.3.4", "::1.2.3.4:5"],
    ]
  ) {
    assert.equal(parseIpAddress(text), undefined, text);
    assert.equal(addressRefusal(text, [parseAddressRange("0.0.0.0/0")]), "unreadable", text);
  }
});

Deno.test("IPv6 is read as URLs read it", async () => {
  const group = fc.constantFrom(
    "",
    "0",
    "1",
    "ffff",
    "FFFF",
    "00ab",
    "12345",
    "g",
    "1.2.3.4",
    "1.2",
  );
  let both = 0;
  await checkProperty(
    "IPv6 texts",
    fc.property(fc.array(group, { minLength: 2, maxLength: 9 }), (groups) => {
      const text = groups.join(":");
      const url = URL.parse(`http://[${text}]/`);
      const address = parseIpAddress(text);
      assert.equal(address !== undefined, url !== null, text);
      if (address === undefined) return;
      both++;
      assert.deepEqual(address, parseIpAddress(url!.hostname.slice(1, -1)), text);
    }),
    20_000,
  );
  assert.ok(both > 100, `only ${both} texts were addresses`);
});

Deno.test("any bytes are read back from any spelling of theirs", async () => {
  await checkProperty(
    "spellings",
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.boolean(), (bytes, upper) => {
      const groups = Array.from(
        { length: 8 },
        (_, at) => bytes[2 * at]! * 256 + bytes[2 * at + 1]!,
      );
      const hex = groups.map((group) => group.toString(16)).join(":");
      assert.deepEqual(parseIpAddress(upper ? hex.toUpperCase() : hex), bytes);
      const tail = `${hex.split(":").slice(0, 6).join(":")}:${bytes.slice(12).join(".")}`;
      assert.deepEqual(parseIpAddress(tail), bytes);
      assert.deepEqual(parseIpAddress(bytes.slice(12).join(".")), bytes.slice(12));
    }),
  );
});

Deno.test("a range has the addresses that share its first bits, and no others", async () => {
  let within = 0;
  await checkProperty(
    "ranges",
    fc.property(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.nat(32),
      fc.nat(31),
      (bytes, bits, flipped) => {
        const number = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
        const mask = ((1n << BigInt(bits)) - 1n) << BigInt(32 - bits);
        const text = [24n, 16n, 8n, 0n].map((at) => ((number & mask) >> at) & 255n).join(".");
        const other = Uint8Array.from(bytes);
        other[flipped >> 3]! ^= 0x80 >> (flipped & 7);
        const range = parseAddressRange(`${text}/${bits}`);
        assert.ok(isWithin(bytes as Uint8Array<ArrayBuffer>, range));
        assert.equal(isWithin(other, range), flipped >= bits);
        if (flipped >= bits) within++;
      },
    ),
  );
  assert.ok(within > 50 && within < 950, `${within} of 1000 were within`);
});

Deno.test("a range that is none, or names less than it allows, is refused", () => {
  for (
    const text of [
      ...["", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8/8", "10/8"],
      ...["10.0.0.1/8", "fd00::1/8", "::/129", "10.0.0.0/ 8", "10.0.0.0/8.0", "localhost"],
    ]
  ) {
    assert.throws(() => parseAddressRange(text), { code: "usage" }, text);
  }
});

Deno.test("a special address is allowed by a range of its own family", () => {
  const ranges = (...texts: string[]) => texts.map(parseAddressRange);
  assert.equal(addressRefusal("10.1.2.3", ranges("10.0.0.0/8")), undefined);
  assert.equal(addressRefusal("::ffff:10.1.2.3", ranges("10.0.0.0/8")), undefined);
  assert.equal(addressRefusal("::1", ranges("127.0.0.0/8", "::1")), undefined);
  assert.equal(addressRefusal("::1", ranges("127.0.0.0/8")), "loopback");
  assert.equal(addressRefusal("64:ff9b::10.1.2.3", ranges("10.0.0.0/8")), "private");
  assert.equal(addressRefusal("169.254.169.254", ranges("169.254.0.0/16")), "metadata");
  assert.equal(addressRefusal("::ffff:169.254.169.254", ranges("0.0.0.0/0", "::/0")), "metadata");
  assert.equal(addressRefusal("169.254.169.254", ranges("169.254.169.254/32")), undefined);
});
