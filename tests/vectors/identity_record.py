"""The vectors of identity_record.json."""

import json

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import palyra_format as form
from vector_file import CREATED_AT, Vectors, device_ca, drawn, flip, other_alphabet, unused_bit

ULID = "01KDYAK3SE3RZ9Q6B0MJ7X5WTC"


def device():
    """The content of the record `device`."""
    d = drawn("device key")
    public = ed25519.Ed25519PrivateKey.from_private_bytes(d).public_key()
    x = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    key = {"kty": "OKP", "crv": "Ed25519", "x": form.b64u(x), "d": form.b64u(d)}
    document = {"device_id": ULID, "created_at": CREATED_AT, "key": key}
    return json.dumps(document, separators=(",", ":"))


def read_record(given):
    store_key = bytes.fromhex(given["store_key"])
    content = form.open_record(store_key, given["key"], given["file"].encode())
    return {"content": content.hex()}


def make():
    about = "Records of the identity store (FORMAT.md section 2): a file, opened with store.key."
    vectors = Vectors(about, read_record)
    store_key = drawn("store key")

    def add(name, key, content, generation=1):
        nonce = drawn(f"{name} nonce", 12)
        file = form.seal_record(store_key, key, content, generation, nonce).decode()
        given = {"store_key": store_key.hex(), "key": key, "file": file}
        aad = form.record_aad(key, generation).decode()
        steps = {"aad": aad, **({"content": content.decode()} if len(content) > 1 else {})}
        vectors.opens(
            name, given, {"content": content.hex()}, steps=steps, drawn={"nonce": nonce.hex()}
        )

    add("device CA", "ca", device_ca("device CA").encode())
    add("device", "device", device().encode())
    add("second generation", "ca", device_ca("device CA").encode(), 2)
    add("generation of ten digits", "ca", b"{}", 4_294_967_296)
    add("one byte", "device", b"\x00")
    add("no byte", "device", b"")
    refuse_records(vectors)
    return vectors


def refuse_records(vectors):
    given = vectors.given["device CA"]
    magic, _, nonce, sealed = given["file"].rstrip("\n").split(".")
    raw_nonce, raw = form.from_b64u(nonce), form.from_b64u(sealed)
    store_key = bytes.fromhex(given["store_key"])

    def line(magic=magic, generation="1", nonce=nonce, sealed=sealed, end="\n"):
        return f"{magic}.{generation}.{nonce}.{sealed}{end}"

    def file(failure, why, text):
        vectors.refuses(failure, why, {"file": text})

    def altered(failure, why, **members):
        encoded = {name: form.b64u(member) for name, member in members.items()}
        file(failure, why, line(**encoded))

    vectors.refuses("wrong key", "Another store.key", {"store_key": drawn("other").hex()})
    vectors.refuses("short store key", "31 bytes", {"store_key": store_key[:31].hex()})
    vectors.refuses("long store key", "33 bytes", {"store_key": (store_key + b"\n").hex()})
    vectors.refuses("other logical key", "Record ca stands as device.sealed", {"key": "device"})
    file("other generation", "The number is in the AAD", line(generation="2"))
    file("generation zero", "Numbers begin at 1", line(generation="0"))
    file("generation with leading zero", "As a number it is the same", line(generation="01"))
    file("generation with a sign", "As a number it is the same", line(generation="+1"))
    file("generation with other digits", "A full-width 1", line(generation="\uff11"))
    file("generation with fraction", "As a number it is the same", line(generation="1.0"))
    file("no generation", "An empty part", line(generation=""))
    altered("flipped bit in the nonce", "Not authenticated itself, yet it enters the key stream",
            nonce=flip(raw_nonce))
    altered("flipped bit in the ciphertext", "First byte", sealed=flip(raw))
    altered("flipped bit in the tag", "Last byte", sealed=flip(raw, -1))
    altered("truncated tag", "15 bytes", sealed=raw[:-1])
    altered("no tag", "The ciphertext alone", sealed=raw[:-16])
    altered("less than a tag", "15 bytes in all", sealed=raw[:15])
    altered("extended", "A byte after the tag", sealed=raw + b"\0")
    file("nothing sealed", "An empty part", line(sealed=""))
    altered("short nonce", "11 bytes", nonce=raw_nonce[:-1])
    altered("long nonce", "13 bytes", nonce=raw_nonce + b"\0")
    altered("shorter nonce of whole characters", "9 bytes", nonce=raw_nonce[:-3])
    file("no nonce", "An empty part", line(nonce=""))
    file("no line feed", "Cut off at the end", line(end=""))
    file("two line feeds", "A line more", line(end="\n\n"))
    file("carriage return", "Saved by an editor of another system", line(end="\r\n"))
    file("text after the line", "One record is one line", line(end="\nx"))
    file("two records", "One file holds one record", line() + line())
    file("space before the line", "Strict", " " + line())
    file("byte order mark", "Saved by an editor", "\ufeff" + line())
    file("wrong magic", "Another version of the format", line(magic="PIS2"))
    file("magic in lower case", "Strict", line(magic="pis1"))
    file("missing part", "No nonce, and no dot for it", f"{magic}.1.{sealed}\n")
    file("extra part", "An empty part at the end", line(end=".\n"))
    text = vectors.given["one byte"]["file"].rstrip("\n")  # its last character has unused bits
    vectors.refuses("non-canonical last character", "Unused bits are set", {
        "file": text.removesuffix(last := text.rpartition(".")[2]) + unused_bit(last) + "\n",
    }, "one byte")
    vectors.refuses("padding", "Valid padding of base64", {"file": text + "=\n"}, "one byte")
    file("needless padding", "A whole group of it", line(sealed=sealed + "===="))
    file("other alphabet", "Base64 with + and /", line(sealed=other_alphabet(sealed)))
    file("white space inside", "Base64 in lines", line(sealed=f"{sealed[:76]}\n{sealed[76:]}"))
    file("character outside the alphabet", "Strict", line(sealed="Ä" + sealed[1:]))
    file("empty file", "Truncated", "")
