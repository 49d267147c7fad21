"""The vectors of keys.json."""

import json

from cryptography.hazmat.primitives.keywrap import aes_key_wrap

import palyra_format as form
from vector_file import Vectors, device_ca, drawn, flip, scalar_from, unused_bit

ENDING_WITH_ZERO = drawn("salt that ends with zero", 31) + b"\0"


def read_keys(given):
    if given["key"] == "kek":
        kek = form.open_kek(given["ca"].encode(), bytes.fromhex(given["salt"]), given["kek_kid"])
        return {"kek": kek.hex()}
    scope_key = form.open_scope_key(
        bytes.fromhex(given["vault_key"]),
        given["vault_id"],
        given["scope"],
        given["generation"],
        given["kid"],
        bytes.fromhex(given["wrapped"]),
    )
    return {"scope_key": scope_key.hex()}


def make():
    about = (
        "KEKs from the device CA's scalar and a salt, and scope keys under a vault key, each with "
        "its id (FORMAT.md section 3)."
    )
    vectors = Vectors(about, read_keys)
    add_keks(vectors)
    refuse_keks(vectors)
    add_scope_keys(vectors)
    refuse_scope_keys(vectors)
    return vectors


def add_keks(vectors):
    def add(name, ca, salt):
        scalar = form.scalar_of(ca)
        kek, kid = form.kek_of(scalar, salt)
        given = {"key": "kek", "ca": ca, "salt": salt.hex(), "kek_kid": kid}
        vectors.opens(name, given, {"kek": kek.hex()}, steps={"scalar": scalar.hex()})

    add("kek", device_ca("device CA"), drawn("salt"))
    add("kek of another salt", device_ca("device CA"), drawn("other salt"))
    add("kek of a salt that ends with a zero byte", device_ca("device CA"), ENDING_WITH_ZERO)
    add("kek of another device CA", device_ca("other device CA"), drawn("salt"))
    label = next(f"device CA {at}" for at in range(4096)
                 if scalar_from(f"device CA {at}")[0] == 0)
    add("kek of a scalar that begins with a zero byte", device_ca(label), drawn("salt"))


def refuse_keks(vectors):
    given = vectors.given["kek"]
    ca, kid = json.loads(given["ca"]), given["kek_kid"]
    d, raw = ca["d"], form.from_b64u(ca["d"])

    def scalar(failure, why, text):
        changed = json.dumps({**ca, "d": text}, separators=(",", ":"))
        vectors.refuses(failure, why, {"ca": changed}, "kek")

    vectors.refuses("other device CA", "Its kek_kid is another one",
                    {"ca": device_ca("other device CA")}, "kek")
    vectors.refuses("other salt", "Its kek_kid is another one",
                    {"salt": drawn("other salt").hex()}, "kek")
    vectors.refuses("flipped bit in the salt", "Its kek_kid is another one",
                    {"salt": flip(drawn("salt")).hex()}, "kek")
    vectors.refuses("salt with a zero byte added", "To HMAC the same, so its kek_kid fits",
                    {"salt": (drawn("salt") + b"\0").hex()}, "kek")
    vectors.refuses("salt without its last zero byte", "To HMAC the same, so its kek_kid fits",
                    {"salt": ENDING_WITH_ZERO[:31].hex()},
                    "kek of a salt that ends with a zero byte")
    vectors.refuses("no salt", "Empty", {"salt": ""}, "kek")
    vectors.refuses("other kek_kid", "That of another salt", {
        "kek_kid": vectors.given["kek of another salt"]["kek_kid"]}, "kek")
    vectors.refuses("kek_kid in upper case", "Text is compared", {"kek_kid": kid.upper()}, "kek")
    vectors.refuses("truncated kek_kid", "All 32 digits count", {"kek_kid": kid[:-2]}, "kek")
    vectors.refuses("no kek_kid", "Empty is no prefix of it", {"kek_kid": ""}, "kek")
    scalar("short scalar", "31 bytes", form.b64u(raw[1:]))
    scalar("long scalar", "33 bytes, with the zero that DER writes", form.b64u(b"\0" + raw))
    scalar("no scalar", "Empty", "")
    scalar("non-canonical scalar", "Unused bits are set", unused_bit(d))
    scalar("padded scalar", "JWK has no padding", d + "=")
    public = {name: member for name, member in ca.items() if name != "d"}
    vectors.refuses("public key only", "No member d", {
        "ca": json.dumps(public, separators=(",", ":"))}, "kek")


def add_scope_keys(vectors):
    vault_key, vault_id = drawn("vault key"), drawn("vault id", 16).hex()

    def add(name, scope, generation=1):
        scope_key = drawn(f"scope key {scope} {generation}")
        info = form.json_bytes(["palyra/v1/scope-kid", vault_id, scope, generation]).decode()
        given = {
            "key": "scope key",
            "vault_key": vault_key.hex(),
            "vault_id": vault_id,
            "scope": scope,
            "generation": generation,
            "kid": form.scope_kid(scope_key, vault_id, scope, generation),
            "wrapped": aes_key_wrap(vault_key, scope_key).hex(),
        }
        vectors.opens(name, given, {"scope_key": scope_key.hex()}, steps={"info": info})

    add("scope key", "global")
    add("second generation", "global", 2)
    add("principal with a colon", "principal:user:ops")
    add("channel with an account", "channel:slack:acct-1")
    add("longest id", "agent:" + "a" * 128)


def refuse_scope_keys(vectors):
    base = "scope key"
    given, second = vectors.given[base], vectors.given["second generation"]
    vault_key, wrapped = bytes.fromhex(given["vault_key"]), bytes.fromhex(given["wrapped"])

    def refuse(failure, why, **change):
        vectors.refuses(failure, why, change, base)

    refuse("wrong vault key", "Does not unwrap", vault_key=drawn("other vault key").hex())
    refuse("other scope", "It unwraps; the kid tells", scope="skill:global")
    refuse("other vault id", "It unwraps; the kid tells", vault_id=drawn("other", 16).hex())
    refuse("other generation", "It unwraps; the kid tells", generation=2)
    refuse("other kid", "That of the next generation", kid=second["kid"])
    refuse("other wrapped key", "That of the next generation", wrapped=second["wrapped"])
    refuse("kid in upper case", "Text is compared", kid=given["kid"].upper())
    refuse("truncated kid", "All 32 digits count", kid=given["kid"][:-2])
    refuse("no kid", "Empty is no prefix of it", kid="")
    refuse("flipped bit in the wrapped key", "First byte", wrapped=flip(wrapped).hex())
    refuse("flipped bit at the end of the wrapped key", "Last byte",
           wrapped=flip(wrapped, -1).hex())
    refuse("truncated wrapped key", "39 bytes", wrapped=wrapped[:-1].hex())
    refuse("wrapped key without its last block", "32 bytes", wrapped=wrapped[:-8].hex())
    refuse("extended wrapped key", "48 bytes", wrapped=(wrapped + bytes(8)).hex())
    refuse("no wrapped key", "Empty", wrapped="")
    refuse("key that is not wrapped", "The 32 bytes themselves",
           wrapped=drawn("scope key global 1").hex())
