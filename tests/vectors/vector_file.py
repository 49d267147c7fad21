"""One file of vectors: what opens, what is refused, and that each does so, before it is written."""

import base64
import hashlib
import json

from cryptography.hazmat.primitives.asymmetric import ec

import palyra_format as form

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
CREATED_AT = "2026-01-02T03:04:05.678Z"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def drawn(label, length=32):
    """Bytes that a writer would draw at random: SHA-256 of `label/0`, `label/1`, ... joined."""
    blocks = range((length + 31) // 32)
    digests = (hashlib.sha256(f"{label}/{at}".encode()).digest() for at in blocks)
    return b"".join(digests)[:length]


def pattern(length):
    """A long value that needs no room in a file: byte i is (i + (i >> 8)) modulo 256."""
    return bytes((at + (at >> 8)) & 255 for at in range(length))


class Vectors:
    """The vectors of one file. `reader` takes the members of `given` and returns what they give."""

    def __init__(self, about, reader):
        self.document = {"about": about, "vectors": []}
        self.reader = reader
        self.given = {}

    def opens(self, name, given, gives, *, stored=None, **more):
        """`stored` is what stands in the file in place of what would be too long for it."""
        got = self.reader(given)
        assert got == gives, f"{name}: gives {got}"
        assert name not in self.given, name
        self.given[name] = given
        entry = {"name": name, "expect": "opens", "given": given, "gives": gives, **more}
        self.document["vectors"].append({**entry, **(stored or {})})

    def refuses(self, failure, why, change, base=None):
        base = base or next(iter(self.given))
        given = self.given[base]
        for name, value in change.items():
            assert name in given and given[name] != value, f"{failure}: {name} does not change"
        try:
            self.reader({**given, **change})
        except form.Refused:
            entry = {"expect": "integrity", "failure": failure, "base": base, "change": change}
            self.document["vectors"].append({**entry, "why": why})
        else:
            raise AssertionError(f"{failure}: it opens")

    def text(self):
        return json.dumps(self.document, indent=2, ensure_ascii=False) + "\n"


def flip(data, at=0):
    """The bytes with one bit changed."""
    raw = bytearray(data)
    raw[at] ^= 1
    return bytes(raw)


def unused_bit(text):
    """The text with a last character that decodes to the same bytes where decoders are lenient."""
    assert len(text) % 4 in (2, 3), "base64 without unused bits"
    changed = text[:-1] + ALPHABET[ALPHABET.index(text[-1]) | 1]
    assert changed != text
    padding = "=" * (-len(text) % 4)
    assert base64.urlsafe_b64decode(changed + padding) == base64.urlsafe_b64decode(text + padding)
    return changed


def other_alphabet(text):
    changed = text.replace("-", "+").replace("_", "/")
    assert changed != text, "base64 without - and _"
    return changed


def scalar_from(label):
    """A private scalar of P-256, 32 bytes."""
    return (int.from_bytes(drawn(label), "big") % P256_ORDER).to_bytes(32, "big")


def device_ca(label):
    """The content of the record `ca`."""
    scalar = scalar_from(label)
    private = ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1())
    point = private.public_key().public_numbers()
    x, y = (form.b64u(number.to_bytes(32, "big")) for number in (point.x, point.y))
    d = form.b64u(scalar)
    return json.dumps({"kty": "EC", "crv": "P-256", "x": x, "y": y, "d": d}, separators=(",", ":"))
