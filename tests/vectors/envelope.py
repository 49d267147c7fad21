"""The vectors of envelope.json."""

import hashlib
import json

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import palyra_format as form
from vector_file import CREATED_AT, Vectors, drawn, flip, pattern

EXPIRES_AT = "2027-12-31T23:59:59.999Z"
PLACE = ("vault_id", "scope", "name", "version", "created_at", "expires_at")
MEMBERS = ("encrypted_key", "iv", "ciphertext", "tag")


def read_envelope(given):
    parts = {name: bytes.fromhex(given[name]) for name in MEMBERS}
    return {"value": form.open_value(bytes.fromhex(given["scope_key"]), given, parts).hex()}


def make():
    about = (
        "Envelopes of single values with the row that they stand in (FORMAT.md section 4), opened "
        "with the scope key; of a long value only SHA-256 stands here, and byte i of it is "
        "(i + (i >> 8)) modulo 256."
    )
    vectors = Vectors(about, read_envelope)
    text = "correct horse battery staple, and the rest"
    add_envelope(vectors, "text", ("global", "openai_api_key", 1, None), text.encode())
    add_envelope(vectors, "next version", ("global", "openai_api_key", 2, None), b"battery staple")
    add_envelope(vectors, "expiry", ("session:s1", "token", 3, EXPIRES_AT), b"until the year's end")
    add_envelope(vectors, "one byte", ("skill:a.b-c_d", "x", 1, None), b"\x00")
    binary = bytes(range(256))[::-1]
    add_envelope(vectors, "binary", ("principal:user:ops", "tls/key.der", 12, None), binary)
    add_envelope(vectors, "highest version", ("channel:slack:acct-1", "bot/token", 999_999_999,
                                              EXPIRES_AT), "ключ ✓".encode())
    add_envelope(vectors, "line ends and byte order mark", ("agent:a:b", "pem", 1, None),
                 "\ufeffone\r\ntwo\n".encode())
    add_envelope(vectors, "64 KiB", ("global", "big", 1, EXPIRES_AT), pattern(65_536))
    refuse_envelopes(vectors)
    refuse_envelopes_of_other_writers(vectors)
    return vectors


def add_envelope(vectors, name, row, value):
    scope, secret, version, expires_at = row
    place = {
        "vault_id": drawn("vault id", 16).hex(),
        "scope": scope,
        "name": secret,
        "version": version,
        "created_at": CREATED_AT,
        "expires_at": expires_at,
    }
    scope_key, aad = drawn(f"scope key {scope} 1"), form.value_aad(place)
    dek = drawn(f"{name} DEK")
    parts = form.seal_jwe(scope_key, aad, value, dek, drawn(f"{name} iv", 12))
    given = {"scope_key": scope_key.hex(), **place, **{key: parts[key].hex() for key in MEMBERS}}
    stored = None
    if len(value) > 1_024:
        short = {"sha256": hashlib.sha256(parts["ciphertext"]).hexdigest()}
        digest = hashlib.sha256(value).hexdigest()
        stored = {"given": {**given, "ciphertext": short},
                  "gives": {"value": {"length": len(value), "sha256": digest}}}
    steps = {"aad": aad.decode(), "content_aad": form.jwe_aad(aad).decode()}
    vectors.opens(name, given, {"value": value.hex()}, stored=stored, steps=steps,
                  drawn={"dek": dek.hex()})


def refuse_envelopes(vectors):
    given, second = vectors.given["text"], vectors.given["next version"]
    raw = {name: bytes.fromhex(given[name]) for name in MEMBERS}

    def refuse(failure, why, base=None, **change):
        vectors.refuses(failure, why, change, base)

    refuse("wrong key", "Another scope's", scope_key=drawn("scope key skill:x 1").hex())
    refuse("other vault id", "It is in the AAD", vault_id=drawn("other", 16).hex())
    refuse("other scope", "A row moved to another scope", scope="skill:global")
    refuse("other name", "A row moved to another name", name="openai_api_key2")
    refuse("other version", "An old value with a new number", version=2)
    refuse("other created_at", "A millisecond later", created_at="2026-01-02T03:04:05.679Z")
    refuse("same created_at in other words", "Text is authenticated, not time",
           created_at="2026-01-02T03:04:05.6780Z")
    refuse("added expires_at", "There was none", expires_at=EXPIRES_AT)
    refuse("other expires_at", "Put off by a year", "expiry",
           expires_at="2028-12-31T23:59:59.999Z")
    refuse("removed expires_at", "It would never expire", "expiry", expires_at=None)
    refuse("empty expires_at", "Empty is not null", expires_at="")
    for name in MEMBERS:
        refuse(f"flipped bit in {name}", "First byte", **{name: flip(raw[name]).hex()})
        refuse(f"flipped bit at the end of {name}", "Last byte",
               **{name: flip(raw[name], -1).hex()})
        refuse(f"truncated {name}", "A byte less", **{name: raw[name][:-1].hex()})
        refuse(f"extended {name}", "Eight bytes more", **{name: (raw[name] + bytes(8)).hex()})
        refuse(f"no {name}", "Empty", **{name: ""})
        refuse(f"{name} of another envelope", "That of the next version", **{name: second[name]})
    refuse("envelope of another version", "All of it, in this version's row",
           **{name: second[name] for name in MEMBERS})
    refuse("short encrypted_key", "32 bytes: that of a 24-byte DEK",
           encrypted_key=raw["encrypted_key"][:32].hex())
    refuse("tag of 12 bytes", "A length that some take for GCM", tag=raw["tag"][:12].hex())
    refuse("tag of 4 bytes", "A length that some take for GCM", tag=raw["tag"][:4].hex())
    refuse("iv of 16 bytes", "A length that GCM itself allows", iv=(raw["iv"] + bytes(4)).hex())
    refuse("tag moved into the ciphertext", "Joined they are the same", tag="",
           ciphertext=(raw["ciphertext"] + raw["tag"]).hex())


def refuse_envelopes_of_other_writers(vectors):
    """Envelopes that the scope key opens, but that no writer of this format makes."""
    given = vectors.given["text"]
    scope_key, aad = bytes.fromhex(given["scope_key"]), form.value_aad(given)
    value = bytes.fromhex(read_envelope(given)["value"])
    dek, iv = drawn("text DEK"), bytes.fromhex(given["iv"])
    place = [given[name] for name in PLACE]

    def refuse(failure, why, parts):
        change = {name: parts[name].hex() for name in MEMBERS if parts[name].hex() != given[name]}
        vectors.refuses(failure, why, change)

    def sealed(aad):
        return form.seal_jwe(scope_key, aad, value, dek, iv)

    refuse("version as text", "In the AAD it is a number",
           sealed(form.json_bytes(["palyra/v1/value", *place[:3], "1", *place[4:]])))
    refuse("expires_at left out", "Where it is none it is null",
           sealed(form.json_bytes(["palyra/v1/value", *place[:5]])))
    refuse("white space in the AAD", "The same to JSON",
           sealed(json.dumps(["palyra/v1/value", *place]).encode()))
    refuse("AAD of another format version", "Other words in front",
           sealed(form.json_bytes(["palyra/v2/value", *place])))
    protected = form.b64u(form.PROTECTED_JSON).encode()
    refuse("no AAD", "As a compact JWE has it",
           form.seal_content(scope_key, protected, value, dek, iv))
    refuse("AAD without the header", "Not by RFC 7516 section 5.1 step 14",
           form.seal_content(scope_key, aad, value, dek, iv))
    other_header = form.jwe_aad(aad, b'{"enc":"A256GCM","alg":"A256KW"}')
    refuse("other protected header", "Its members in another order",
           form.seal_content(scope_key, other_header, value, dek, iv))
    refuse("other enc", "A128GCM: a DEK of 16 bytes", seal_with_a128gcm(scope_key, aad, value, iv))
    content = AESGCM(scope_key).encrypt(iv, value, form.jwe_aad(aad))
    refuse("content under the scope key", "No DEK: alg dir", {
        "encrypted_key": b"", "iv": iv, "ciphertext": content[:-16], "tag": content[-16:]})


def seal_with_a128gcm(key, aad, value, iv):
    header = form.jwe_aad(aad, b'{"alg":"A256KW","enc":"A128GCM"}')
    return form.seal_content(key, header, value, drawn("text DEK", 16), iv)
