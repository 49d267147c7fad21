"""The vectors of pairing.json."""

import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import palyra_format as form
import pairing_format as pairing
from vector_file import CREATED_AT, Vectors, drawn

JOINER = Ed25519PrivateKey.from_private_bytes(drawn("joiner"))
APPROVER = Ed25519PrivateKey.from_private_bytes(drawn("approver"))
STRANGER = Ed25519PrivateKey.from_private_bytes(drawn("stranger"))
TOKEN = drawn("token", 16)
CA = drawn("CA certificate", 300)
EXPIRES_AT = "2026-01-02T03:14:05.678Z"
LATER = "2026-01-02T03:10:00.000Z"


def public(key):
    return form.b64u(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


def read(given):
    token, fingerprint = pairing.read_code(given["code"])
    code_id, mac_key = pairing.code_keys(token)
    gives = {"token": token.hex(), "ca_fingerprint": fingerprint.hex(), "code_id": code_id.hex(),
             "mac_key": mac_key.hex()}
    for kind, reader in (("request", pairing.read_request), ("decision", pairing.read_decision)):
        if given[kind]:
            gives[kind] = reader(given[kind], mac_key).hex()
    return gives


def request(**changes):
    code_id, _ = pairing.code_keys(TOKEN)
    asked = {
        "kind": "palyra.pairing.request", "version": 1,
        "code_id": code_id.hex(), "ca_fingerprint": pairing.sha256(CA).hex(),
        "device_id": "01KDYAK3SE3RZ9Q6B0MJ7X5WTC", "device_kind": "cli",
        "identity_key": public(JOINER), "csr": form.b64u(drawn("csr", 200)),
        "validity_s": 604800, "usages": ["clientAuth"], "nonce": form.b64u(drawn("nonce", 16)),
        "created_at": CREATED_AT, "expires_at": EXPIRES_AT,
    }
    return {**asked, **changes}


def decision(asked, **changes):
    digest = pairing.sha256(pairing.request_message(asked)).hex()
    shared = {name: asked[name] for name in pairing.ASKED}
    return {
        "kind": "palyra.pairing.decision", "version": 1, **shared, "request_digest": digest,
        "verdict": "approved", "reason": "mine", "certificate": form.b64u(drawn("leaf", 250)),
        "ca_certificate": form.b64u(CA), "approver_id": "01KDYJ8XJE0123456789ABCDEF",
        "approver_key": public(APPROVER), "decided_at": LATER, **changes,
    }


def compact(document):
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def signed(document, said, key):
    return compact(pairing.sign(document, said(document), key, pairing.code_keys(TOKEN)[1]))


def given(asked, decided):
    return {
        "code": pairing.format_code(TOKEN, pairing.sha256(CA)),
        "request": signed(asked, pairing.request_message, JOINER) if asked else "",
        "decision": signed(decided, pairing.decision_message, APPROVER) if decided else "",
    }


def make():
    about = ("Codes, requests and decisions (src/identity/PAIRING.md). What the two documents give "
             "is the message that their signature and MAC are over. `csr` and `certificate` are "
             "just bytes here.")
    vectors = Vectors(about, read)
    asked = request()
    keys = {"joiner": drawn("joiner").hex(), "approver": drawn("approver").hex()}

    def add(name, asked, decided):
        documents = given(asked, decided)
        vectors.opens(name, documents, read(documents), steps={}, drawn=keys)

    add("approved", asked, decision(asked))
    add("rejected", asked, decision(asked, verdict="rejected", certificate="", reason="не моё ✓"))
    both = request(usages=["clientAuth", "serverAuth"], validity_s=34300800, device_kind="node")
    add("both usages, the longest validity", both, decision(both, reason=""))
    add("a code alone", None, None)
    refuse(vectors, asked)
    return vectors


def refuse(vectors, asked):
    base = vectors.given["approved"]

    def altered(kind, name, value):
        document = json.loads(base[kind])
        document[name] = value
        return {kind: compact(document)}

    changes = {
        "code_id": "0" * 32, "ca_fingerprint": "0" * 64,
        "device_id": "01KDYAK3SE3RZ9Q6B0MJ7X5WTD", "device_kind": "node",
        "identity_key": public(STRANGER), "csr": form.b64u(drawn("other csr", 200)),
        "validity_s": 604801, "usages": ["serverAuth"], "nonce": form.b64u(drawn("other", 16)),
        "created_at": LATER, "expires_at": LATER, "signature": form.b64u(drawn("forged", 64)),
        "mac": form.b64u(drawn("forged", 32)),
    }
    for name, value in changes.items():
        vectors.refuses(f"request: {name} altered", "it is covered", altered("request", name, value))
    decided = {
        **changes, "request_digest": "0" * 64, "verdict": "rejected", "reason": "yours",
        "certificate": form.b64u(drawn("other leaf", 250)),
        "approver_id": "01KDYJ8XJE0123456789ABCDEG", "approver_key": public(STRANGER),
        "decided_at": CREATED_AT,
    }
    for name, value in decided.items():
        if name != "identity_key":
            vectors.refuses(f"decision: {name} altered", "it is covered",
                            altered("decision", name, value))
    by_stranger = signed(decision(asked), pairing.decision_message, STRANGER)
    vectors.refuses("decision: signed by another key than it names", "anybody could have made it",
                    {"decision": by_stranger})
    other_key = pairing.code_keys(drawn("other token", 16))[1]
    document = request()
    wrong_mac = pairing.sign(document, pairing.request_message(document), JOINER, other_key)
    vectors.refuses("request: MAC under another code", "its maker does not know the code",
                    {"request": compact(wrong_mac)})
    code = base["code"]
    other = "A" if code[20] != "A" else "B"
    vectors.refuses("code: one character altered", "the check does not fit",
                    {"code": code[:20] + other + code[21:]})
    vectors.refuses("code: cut", "a character is missing", {"code": code[:-1]})
