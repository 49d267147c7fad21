"""The formats of src/vault/FORMAT.md, read and written a second time, from that text alone.

Needs the package `cryptography`, version 38 or later. Shares no code with palyra.
"""

import base64
import json
import re

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

PROTECTED_JSON = b'{"alg":"A256KW","enc":"A256GCM"}'
MAX_VALUE_BYTES = 1_048_576
MAX_BLOB_CHARACTERS = 1_024
LENGTHS = {"encrypted_key": 40, "iv": 12, "tag": 16}
REFERENCE_MEMBERS = {
    "keystore": ("backend", "holder", "id"),
    "passphrase": ("kdf", "memory_kib", "passes", "parallelism", "salt"),
}
COST_BOUNDS = {"memory_kib": (8_192, 1_048_576), "passes": (1, 16), "parallelism": (1, 16)}

# Python's `cryptography` before 44 has no Argon2id. These are what OpenSSL's gives (by `cryptography`
# 48), which is compared with them wherever it is at hand; the key is (passphrase, KiB, passes, lanes).
ARGON2ID_SALT = bytes.fromhex("941e7a68d3e4ce84fb823d5e71e6f1cf")
KNOWN_ARGON2ID = {
    (b"correct horse", 65_536, 3, 4):
        "cbb3782a9c38655ae9340254a0d9cb0afdd61381a9bfa5abcdf3a03b047dd22f",
    (b"correct horse", 8_192, 1, 1):
        "04af72b26e0d55320857a67cc84f554b892e3287cd677879eea4b6ca5aa9c555",
    (b"x", 8_192, 1, 1):
        "b363b3991745180b12fdbd09faa11840e0ae78a739609ceee0d5ca515a8429e6",
    (b"0123456789abcdef" * 64, 8_192, 1, 1):
        "fca83d23c42c34e84b8a427ffe9b1b1a2c4c4ec67e1dc0f24b2d4abaad84b70b",
    (bytes(range(255, 223, -1)), 8_192, 1, 1):
        "e7645c2b3873e687d7637bed2be2ea2c1b4b57a34445435489b2f05cdac60616",
}


class Refused(Exception):
    """What was read is not what a writer with these keys wrote in this place."""


def json_bytes(items):
    """`json(...)`: an array without white space, as JSON.stringify writes it."""
    return json.dumps(items, separators=(",", ":"), ensure_ascii=False).encode()


def b64u(raw):
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_b64u(text):
    """Decodes what b64u() wrote, and nothing else."""
    if not re.fullmatch("[A-Za-z0-9_-]*", text) or len(text) % 4 == 1:
        raise Refused("not base64url")
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if b64u(raw) != text:
        raise Refused("base64url with unused bits that are not zero")
    return raw


def hkdf(key, salt, info, length):
    """HKDF-SHA-256 (RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=length, salt=salt or None, info=info).derive(key)


# Section 2: records of the identity store


def record_aad(key, generation):
    return json_bytes(["palyra/v1/identity-record", key, generation])


def seal_record(store_key, key, content, generation, nonce):
    sealed = ChaCha20Poly1305(store_key).encrypt(nonce, content, record_aad(key, generation))
    return f"PIS1.{generation}.{b64u(nonce)}.{b64u(sealed)}\n".encode()


def open_record(store_key, key, file):
    """The content of the record `key`."""
    if len(store_key) != 32:
        raise Refused("store.key is not 32 bytes")
    line = re.fullmatch(rb"PIS1\.([1-9][0-9]*)\.([A-Za-z0-9_-]*)\.([A-Za-z0-9_-]*)\n", file)
    if line is None:
        raise Refused("not a record")
    generation = int(line[1])
    nonce, sealed = (from_b64u(part.decode()) for part in line.groups()[1:])
    if len(nonce) != 12 or len(sealed) < 16:
        raise Refused("a nonce or tag of another length")
    try:
        return ChaCha20Poly1305(store_key).decrypt(nonce, sealed, record_aad(key, generation))
    except InvalidTag:
        raise Refused("wrong key or altered data") from None


# Section 2: the reference in place of the store key


def argon2id(passphrase, salt, cost):
    """Argon2id (RFC 9106) of 32 bytes; `cryptography` has it from version 44 on."""
    known = KNOWN_ARGON2ID.get((passphrase, *cost.values()))
    if salt != ARGON2ID_SALT:
        raise Refused("no key was derived with this salt")
    try:
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
    except ImportError:
        if known is None:
            raise Refused("no key was derived from this passphrase at this cost") from None
        return bytes.fromhex(known)
    derivation = Argon2id(salt=salt, length=32, iterations=cost["passes"],
                          lanes=cost["parallelism"], memory_cost=cost["memory_kib"])
    key = derivation.derive(passphrase)
    if known not in (None, key.hex()):
        raise AssertionError(f"Argon2id gives {key.hex()}, not {known}")
    return key


def store_key_aad(place):
    members = [value for name, value in place.items() if name != "protector"]
    return json_bytes(["palyra/v1/store-key", place["protector"], *members])


def seal_store_key(store_key, place, key, nonce):
    return ChaCha20Poly1305(key).encrypt(nonce, store_key, store_key_aad(place))


def format_reference(place, nonce, sealed):
    document = {"schema_version": 1, **place, "nonce": b64u(nonce), "sealed": b64u(sealed)}
    return json.dumps(document, separators=(",", ":")) + "\n"


def open_store_key(file, item, passphrase):
    """The store key; `item` is what the keystore holds."""
    place, nonce, sealed = parse_reference(file)
    if place["protector"] == "keystore":
        magic, dot, encoded = item.partition(".")
        key = from_b64u(encoded)
        if magic != "PSK1" or not dot:
            raise Refused("not a protecting key")
    else:
        cost = {name: place[name] for name in ("memory_kib", "passes", "parallelism")}
        key = argon2id(passphrase, from_b64u(place["salt"]), cost)
    if len(key) != 32:
        raise Refused("the protecting key is not 32 bytes")
    try:
        store_key = ChaCha20Poly1305(key).decrypt(nonce, sealed, store_key_aad(place))
    except InvalidTag:
        raise Refused("wrong key or altered data") from None
    return store_key


def parse_reference(file):
    try:
        document = json.loads(file)
    except ValueError:
        raise Refused("not JSON") from None
    if not isinstance(document, dict):
        raise Refused("not an object")
    names = REFERENCE_MEMBERS.get(document.get("protector"))
    if names is None or list(document) != ["schema_version", "protector", *names, "nonce", "sealed"]:
        raise Refused("other members")
    place = {name: document[name] for name in ("protector", *names)}
    for name, value in place.items():
        if not is_allowed(name, value):
            raise Refused(f"{name} is not allowed")
    nonce, sealed = from_b64u(document["nonce"]), from_b64u(document["sealed"])
    if len(nonce) != 12 or len(sealed) != 48:
        raise Refused("a nonce or a sealed key of another length")
    if format_reference(place, nonce, sealed) != file:
        raise Refused("not as a writer writes it")
    return place, nonce, sealed


def is_allowed(name, value):
    if name in COST_BOUNDS:
        least, most = COST_BOUNDS[name]
        return type(value) is int and least <= value <= most
    if not isinstance(value, str):
        return False
    if name in ("holder", "id"):
        return re.fullmatch("[0-9a-f]{32}", value) is not None
    if name == "backend":
        return re.fullmatch("[a-z_]{1,64}", value) is not None
    if name == "salt":
        return len(from_b64u(value)) == 16
    return name == "protector" or value == "argon2id"


# Section 3: keys


def scalar_of(ca):
    """The scalar in the content of the record `ca`."""
    try:
        scalar = from_b64u(json.loads(ca)["d"])
    except (KeyError, TypeError, ValueError):
        raise Refused("not a JWK") from None
    if len(scalar) != 32:
        raise Refused("the scalar is not 32 bytes")
    return scalar


def kek_of(scalar, salt):
    """The KEK for a salt, and its id."""
    kek = hkdf(scalar, salt, b"palyra/v1/vault-kek", 32)
    return kek, hkdf(scalar, salt, b"palyra/v1/vault-kek-id", 16).hex()


def open_kek(ca, salt, kek_kid):
    if len(salt) != 32:
        raise Refused("the salt is not 32 bytes")  # HMAC takes one with zeros added for the same
    kek, derived = kek_of(scalar_of(ca), salt)
    if derived != kek_kid:
        raise Refused("another identity")
    return kek


def vault_key_aad(vault_id, generation, kek_kid):
    return json_bytes(["palyra/v1/vault-key", vault_id, generation, kek_kid])


def format_blob(parts):
    members = [b64u(parts[name]) for name in ("encrypted_key", "iv", "ciphertext", "tag")]
    return ".".join(["PKV1", b64u(PROTECTED_JSON), *members])


def open_blob(kek, vault_id, generation, kek_kid, blob):
    """The vault key in a blob."""
    if len(blob) > MAX_BLOB_CHARACTERS:
        raise Refused("a blob that is too long")
    pieces = blob.split(".")
    if len(pieces) != 6 or pieces[0] != "PKV1" or pieces[1] != b64u(PROTECTED_JSON):
        raise Refused("not a blob")
    members = [from_b64u(piece) for piece in pieces[2:]]
    parts = dict(zip(("encrypted_key", "iv", "ciphertext", "tag"), members))
    vault_key = open_jwe(kek, vault_key_aad(vault_id, generation, kek_kid), parts)
    if len(vault_key) != 32:
        raise Refused("the vault key is not 32 bytes")
    return vault_key


def scope_kid(scope_key, vault_id, scope, generation):
    info = json_bytes(["palyra/v1/scope-kid", vault_id, scope, generation])
    return hkdf(scope_key, b"", info, 16).hex()


def open_scope_key(vault_key, vault_id, scope, generation, kid, wrapped):
    if len(wrapped) != 40:
        raise Refused("a wrapped key of another length")
    scope_key = unwrap(vault_key, wrapped)
    if scope_kid(scope_key, vault_id, scope, generation) != kid:
        raise Refused("the key of another scope, generation or vault")
    return scope_key


# Section 4: envelopes


def value_aad(place):
    """`place` has the columns of a row of `versions`, and `vault_id`."""
    names = ("vault_id", "scope", "name", "version", "created_at", "expires_at")
    return json_bytes(["palyra/v1/value", *(place[name] for name in names)])


def open_value(scope_key, place, parts):
    if not 1 <= len(parts["ciphertext"]) <= MAX_VALUE_BYTES:
        raise Refused("a value of a length that nobody could have stored")
    return open_jwe(scope_key, value_aad(place), parts)


def jwe_aad(aad, protected=PROTECTED_JSON):
    """What the content encryption authenticates (RFC 7516 section 5.1 step 14)."""
    return f"{b64u(protected)}.{b64u(aad)}".encode()


def seal_jwe(key, aad, plaintext, dek, iv):
    """Seals with a given DEK and iv; writers draw both at random."""
    return seal_content(key, jwe_aad(aad), plaintext, dek, iv)


def seal_content(key, content_aad, plaintext, dek, iv):
    """As seal_jwe(), with the bytes that the content encryption authenticates as they are."""
    sealed = AESGCM(dek).encrypt(iv, plaintext, content_aad)
    return {
        "encrypted_key": aes_key_wrap(key, dek),
        "iv": iv,
        "ciphertext": sealed[:-16],
        "tag": sealed[-16:],
    }


def open_jwe(key, aad, parts):
    for name, length in LENGTHS.items():
        if len(parts[name]) != length:
            raise Refused(f"{name} is not {length} bytes")
    dek = unwrap(key, parts["encrypted_key"])
    try:
        return AESGCM(dek).decrypt(parts["iv"], parts["ciphertext"] + parts["tag"], jwe_aad(aad))
    except InvalidTag:
        raise Refused("wrong key or altered data") from None


def unwrap(key, wrapped):
    """AES Key Wrap (RFC 3394)."""
    try:
        return aes_key_unwrap(key, wrapped)
    except (InvalidUnwrap, ValueError):
        raise Refused("wrong key or altered data") from None
