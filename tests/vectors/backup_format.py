"""The payload of a backup (FORMAT.md section 8), read and written a second time, from that text alone.

usage: backup_format.py < PAYLOAD    prints what it holds as JSON; exit status 1 for what is no payload
"""

import hashlib
import json
import re
import struct
import sys

sys.dont_write_bytecode = True

from cryptography.exceptions import InvalidSignature  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: E402

import palyra_format as form  # noqa: E402

MAGIC = b"palyra-backup-1\n"
MEMBERS = ["version", "created_at", "device_id", "signer", "vault_id", "entries", "body_bytes",
           "body_sha256"]
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
SCOPE = r"global|(principal|agent):[A-Za-z0-9._:-]{1,128}|channel:[A-Za-z0-9._-]{1,128}:[A-Za-z0-9._-]{1,128}" \
        r"|(skill|session):[A-Za-z0-9._-]{1,128}"
NAME = r"[a-z0-9][a-z0-9._-]*(/[a-z0-9._-]+)*"


def sized(data):
    return struct.pack(">I", len(data)) + data


def manifest_of(fields, body, entries):
    facts = {"entries": entries, "body_bytes": len(body),
             "body_sha256": hashlib.sha256(body).hexdigest()}
    return json.dumps({"version": 1, **fields, **facts}, separators=(",", ":")).encode()


def message(manifest):
    return form.json_bytes(["palyra/v1/backup", hashlib.sha256(manifest).hexdigest()])


def write(private, fields, entries):
    """`entries` are pairs of the items of a head, and a value."""
    body = b"".join(sized(form.json_bytes(head)) + sized(value) for head, value in entries)
    manifest = manifest_of(fields, body, len(entries))
    return MAGIC + sized(manifest) + private.sign(message(manifest)) + body


def read(payload):
    if payload[:16] != MAGIC:
        raise form.Refused("magic")
    manifest, at = take_sized(payload, 16)
    signature, body = payload[at:at + 64], payload[at + 64:]
    fields = members_of(manifest)
    if fields["body_bytes"] != len(body) or fields["body_sha256"] != hashlib.sha256(body).hexdigest():
        raise form.Refused("body")
    try:
        public = Ed25519PublicKey.from_public_bytes(form.from_b64u(fields["signer"]))
        public.verify(signature, message(manifest))
    except (InvalidSignature, ValueError) as error:
        raise form.Refused("signature") from error
    entries = read_body(body)
    if len(entries) != fields["entries"]:
        raise form.Refused("count")
    return {"device_id": fields["device_id"], "signer": fields["signer"],
            "vault_id": fields["vault_id"], "created_at": fields["created_at"], "entries": entries}


def members_of(manifest):
    try:
        fields = json.loads(manifest)
    except ValueError as error:
        raise form.Refused("manifest") from error
    if not isinstance(fields, dict) or list(fields) != MEMBERS or fields["version"] != 1:
        raise form.Refused("members")
    if json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode() != manifest:
        raise form.Refused("manifest in another form")
    forms = {"created_at": TIME, "device_id": "[0-9A-Z]{26}", "vault_id": "[0-9a-f]{32}"}
    for name, pattern in forms.items():
        if not isinstance(fields[name], str) or not re.fullmatch(pattern, fields[name]):
            raise form.Refused(name)
    return fields


def read_body(body):
    entries, at, before = [], 0, None
    while at < len(body):
        head, at = take_sized(body, at)
        value, at = take_sized(body, at)
        items = check_head(head, value)
        place = (items[1], items[2], items[3] if items[0] == "version" else 0)
        same = before is not None and before[:2] == place[:2]
        if before is not None and (place <= before or (same and before[2] == 0)):
            raise form.Refused("order")
        before = place
        entries.append([*items, value.hex()])
    return entries


def check_head(head, value):
    try:
        items = json.loads(head)
    except ValueError as error:
        raise form.Refused("head") from error
    if not isinstance(items, list) or form.json_bytes(items) != head:
        raise form.Refused("head in another form")
    kind = items[0] if items else None
    if (kind, len(items)) not in (("version", 6), ("deleted", 5)):
        raise form.Refused("kind")
    _, scope, name, number, date, *rest = items
    if type(number) is not int or not 1 <= number <= 999_999_999:
        raise form.Refused("number")
    if not re.fullmatch(SCOPE, str(scope)) or not re.fullmatch(NAME, str(name)) or len(name) > 128:
        raise form.Refused("name")
    if len(scope) + 1 + len(name) > 240:
        raise form.Refused("length")
    dates = [date, *(one for one in rest if one is not None)]
    if not all(isinstance(one, str) and re.fullmatch(TIME, one) for one in dates):
        raise form.Refused("date")
    if (kind == "version") != (1 <= len(value) <= form.MAX_VALUE_BYTES) or (kind == "deleted" and value):
        raise form.Refused("value")
    return items


def take_sized(data, at):
    if len(data) - at < 4:
        raise form.Refused("cut off")
    (length,) = struct.unpack_from(">I", data, at)
    if length > len(data) - at - 4:
        raise form.Refused("cut off")
    return data[at + 4:at + 4 + length], at + 4 + length


if __name__ == "__main__":
    try:
        print(json.dumps(read(sys.stdin.buffer.read())))
    except form.Refused as error:
        sys.exit(f"refused: {error}")
