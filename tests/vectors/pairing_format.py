"""Codes and documents of a pairing as PAIRING.md describes them, written from that text alone."""

import base64
import hashlib
import hmac
import json
import struct

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

import palyra_format as form

ASKED = ["code_id", "ca_fingerprint", "device_id", "device_kind", "identity_key", "csr",
         "validity_s", "usages", "nonce", "created_at", "expires_at"]
DECIDED = ["request_digest", "verdict", "reason", "certificate", "ca_certificate", "approver_id",
           "approver_key", "decided_at"]
PROOFS = ["signature", "mac"]


def sha256(data):
    return hashlib.sha256(data).digest()


def code_check(token, fingerprint):
    return sha256(b"palyra/v1/pairing-code" + token + fingerprint)[:2]


def format_code(token, fingerprint):
    body = token + fingerprint + code_check(token, fingerprint)
    return "PALYRA1:" + base64.b32encode(body).decode().rstrip("=")


def read_code(text):
    if not text.startswith("PALYRA1:") or len(text) != 88:
        raise form.Refused("not a code")
    body = base64.b32decode(text[8:])
    token, fingerprint, check = body[:16], body[16:48], body[48:]
    if check != code_check(token, fingerprint):
        raise form.Refused("check")
    return token, fingerprint


def code_keys(token):
    return (form.hkdf(token, b"", b"palyra/v1/pairing-code-id", 16),
            form.hkdf(token, b"", b"palyra/v1/pairing-mac", 32))


def message(fields):
    parts = [field.encode() if isinstance(field, str) else field for field in fields]
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def asked_fields(document):
    return [
        bytes.fromhex(document["code_id"]),
        bytes.fromhex(document["ca_fingerprint"]),
        document["device_id"],
        document["device_kind"],
        form.from_b64u(document["identity_key"]),
        sha256(form.from_b64u(document["csr"])),
        str(document["validity_s"]),
        ",".join(document["usages"]),
        form.from_b64u(document["nonce"]),
        document["created_at"],
        document["expires_at"],
    ]


def request_message(document):
    return message(["palyra/v1/pairing-request", "to-approver", *asked_fields(document)])


def decision_message(document):
    certificate = form.from_b64u(document["certificate"])
    return message([
        "palyra/v1/pairing-decision", "to-joiner", *asked_fields(document),
        bytes.fromhex(document["request_digest"]), document["verdict"], document["reason"],
        sha256(certificate) if certificate else b"", document["approver_id"],
        form.from_b64u(document["approver_key"]), document["decided_at"],
    ])


def mac_of(key, text, signature):
    return hmac.digest(key, message([text, signature]), "sha256")


def sign(document, text, private_key, mac_key):
    signature = private_key.sign(text)
    return {**document, "signature": form.b64u(signature),
            "mac": form.b64u(mac_of(mac_key, text, signature))}


def parse(text, kind, members):
    document = json.loads(text)
    if document.get("kind") != kind or document.get("version") != 1:
        raise form.Refused("kind or version")
    if set(document) != {"kind", "version", *members}:
        raise form.Refused("members")
    return document


def require_proofs(document, text, signer, mac_key):
    signature = form.from_b64u(document["signature"])
    try:
        Ed25519PublicKey.from_public_bytes(form.from_b64u(signer)).verify(signature, text)
    except InvalidSignature as error:
        raise form.Refused("signature") from error
    if not hmac.compare_digest(mac_of(mac_key, text, signature), form.from_b64u(document["mac"])):
        raise form.Refused("mac")


def read_request(text, mac_key):
    document = parse(text, "palyra.pairing.request", [*ASKED, *PROOFS])
    said = request_message(document)
    require_proofs(document, said, document["identity_key"], mac_key)
    return said


def read_decision(text, mac_key):
    document = parse(text, "palyra.pairing.decision", [*ASKED, *DECIDED, *PROOFS])
    said = decision_message(document)
    require_proofs(document, said, document["approver_key"], mac_key)
    return said
