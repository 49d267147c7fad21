"""The vectors of backup_payload.json."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import backup_format as backup
import palyra_format as form
from vector_file import CREATED_AT, Vectors, drawn

KEY = Ed25519PrivateKey.from_private_bytes(drawn("signer"))
OTHER = Ed25519PrivateKey.from_private_bytes(drawn("other signer"))
PUBLIC = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
FIELDS = {"created_at": CREATED_AT, "device_id": "01KDYJ8XJE0123456789ABCDEF",
          "signer": form.b64u(PUBLIC), "vault_id": drawn("vault", 16).hex()}
LATER = "2026-02-03T04:05:06.789Z"
FEW = [
    (["deleted", "channel:slack:acct1", "gone", 3, LATER], b""),
    (["version", "global", "a", 1, CREATED_AT, None], b"first"),
    (["version", "global", "a", 2, LATER, None], b"second"),
    (["version", "global", "a/b", 7, CREATED_AT, LATER], bytes([0, 255, 10])),
    (["version", "session:s", "x", 999_999_999, CREATED_AT, LATER], b"x"),
]


def read_payload(given):
    return {"backup": backup.read(bytes.fromhex(given["payload"]))}


def make():
    about = "The plaintext of a backup (FORMAT.md section 8), and the entries in it: head, then value."
    vectors = Vectors(about, read_payload)
    vault = {"vault_id": FIELDS["vault_id"], "device_id": FIELDS["device_id"]}

    def add(name, entries):
        payload = backup.write(KEY, FIELDS, entries)
        shown = [[*head, value.hex()] for head, value in entries]
        gives = {"backup": {"device_id": vault["device_id"], "signer": FIELDS["signer"],
                            "vault_id": vault["vault_id"], "created_at": CREATED_AT,
                            "entries": shown}}
        vectors.opens(name, {"payload": payload.hex()}, gives,
                      drawn={"private_key": drawn("signer").hex()}, steps={})

    add("a few entries", FEW)
    add("no entry", [])
    add("one value", [(["version", "global", "n", 1, CREATED_AT, None], b"\x00")])
    refuse(vectors)
    return vectors


def refuse(vectors):
    payload = bytes.fromhex(vectors.given["a few entries"]["payload"])

    def changed(failure, why, data):
        vectors.refuses(failure, why, {"payload": data.hex()})

    def entries(failure, why, change):
        changed(failure, why, backup.write(KEY, FIELDS, change))

    def replaced(failure, why, old, new):
        assert payload.count(old) == 1, old
        changed(failure, why, payload.replace(old, new))

    def fields(failure, why, **change):
        changed(failure, why, backup.write(KEY, {**FIELDS, **change}, FEW))

    changed("cut off by one byte", "At the end", payload[:-1])
    changed("cut off in the manifest", "At 30 bytes", payload[:30])
    changed("a byte more", "Behind the last entry", payload + b"\0")
    replaced("value that was altered", "Not what the digest says", b"second", b"seconD")
    replaced("date of the manifest that was altered", "Not what was signed",
             b'"created_at":"2026-01-02', b'"created_at":"2026-01-03')
    changed("signature of another key", "The manifest names this one", backup.write(OTHER, FIELDS, FEW))
    other = OTHER.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    replaced("another signer", "Its signature is not there", FIELDS["signer"].encode(),
             form.b64u(other).encode())
    fields("signer with unused bits", "They are not zero", signer=FIELDS["signer"][:-1] + "B")
    fields("short signer", "31 bytes", signer=form.b64u(PUBLIC[:31]))
    fields("date without milliseconds", "Strict", created_at="2026-01-02T03:04:05Z")
    fields("device id in small letters", "Strict", device_id=FIELDS["device_id"].lower())
    fields("short vault id", "31 digits", vault_id=FIELDS["vault_id"][:-1])
    refuse_forms(vectors, changed)
    head, value = FEW[1]
    entries("entries in another order", "As sets they are the same", [FEW[2], FEW[1]])
    entries("entry twice", "Not ascending", [FEW[1], FEW[1]])
    entries("deleted and there", "One or the other",
            [(["deleted", "global", "a", 1, LATER], b""), FEW[2]])
    entries("deleted twice", "Not ascending", [FEW[0], FEW[0]])

    def item(failure, why, at, new, content=value):
        entries(failure, why, [([*head[:at], new, *head[at + 1:]], content)])

    item("unknown kind", "Neither version nor deleted", 0, "other")
    item("unknown scope", "No scope word", 1, "nowhere")
    item("name in capitals", "Strict", 2, "A")
    item("empty name", "At least one character", 2, "")
    item("long name", "129 characters", 2, "n" * 129)
    item("version 0", "They begin with 1", 3, 0)
    item("version too high", "999,999,999 is the last", 3, 1_000_000_000)
    item("version with a fraction", "As a number it is the same", 3, 1.0)
    item("version as a text", "Strict", 3, "1")
    item("date with an offset", "UTC is Z", 4, "2026-01-02T03:04:05.678+00:00")
    item("expiry that is no text", "A number", 5, 0)
    item("empty value", "At least one byte", 2, "a", b"")
    entries("version without expiry", "null is there", [(head[:5], value)])
    entries("item more", "Strict", [([*head, None], value)])
    entries("deleted with a value", "It has none", [(FEW[0][0], b"x")])


def refuse_forms(vectors, changed):
    body = backup.write(KEY, FIELDS, FEW)
    manifest, at = backup.take_sized(body, 16)
    rest = body[at + 64:]

    def signed(failure, why, text):
        data = backup.MAGIC + backup.sized(text) + KEY.sign(backup.message(text)) + rest
        changed(failure, why, data)

    signed("manifest with white space", "As JSON it is the same", manifest.replace(b":", b": ", 1))
    signed("member more", "Strict", manifest[:-1] + b',"x":1}')
    signed("member twice", "The first one would be ignored",
           manifest.replace(b'"entries"', b'"entries":1,"entries"'))
    signed("no version", "It comes first", manifest.replace(b'"version":1,', b""))
    signed("other count", "An entry less", manifest.replace(b'"entries":5', b'"entries":4'))
    signed("other size", "A byte more", manifest.replace(b'"body_bytes":', b'"body_bytes":1'))
    signed("manifest that is no object", "A list", b"[1]")
    signed("manifest that is no JSON", "A word", b"palyra")
    unsigned = backup.MAGIC + backup.sized(manifest) + bytes(64) + rest
    changed("no signature", "64 zeros", unsigned)
    label = manifest
    stranger = backup.MAGIC + backup.sized(manifest) + KEY.sign(label) + rest
    changed("signature without its label", "Over the manifest alone", stranger)
