"""Signatures by a key, checked with its public half.

A DSSE envelope signs its pre-authentication encoding (DSSE protocol, "Signature Definition"); a
signature in cosign's old layout signs the payload's bytes.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from keelway.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Mapping

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey


def read_key(pem: str) -> PublicKey:
    """Return the public key in a PEM text.

    Raises:
        PlanError: It is none, or of a kind that cosign does not make.
    """
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PlanError(
            "the public key cannot be read",
            why=str(error),
            next_step="give the file that `cosign public-key` prints, in PEM",
        ) from error
    if isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey):
        return key
    raise PlanError("the public key is of a kind that is not supported: use ECDSA, RSA or Ed25519")


def signs_envelope(key: PublicKey, envelope: Mapping[str, Any]) -> bool:
    """Return whether one of an envelope's signatures is by this key."""
    try:
        payload = base64.b64decode(str(envelope["payload"]), validate=True)
        kind = str(envelope["payloadType"]).encode()
        signatures = [
            base64.b64decode(str(one["sig"]), validate=True) for one in envelope["signatures"]
        ]
    except (KeyError, TypeError, binascii.Error):
        return False
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    return any(signs(key, signature, signed) for signature in signatures)


def signs(key: PublicKey, signature: bytes, data: bytes) -> bool:
    """Return whether a signature is this key's over these bytes, with SHA-256 as cosign uses it."""
    try:
        match key:
            case ec.EllipticCurvePublicKey():
                key.verify(signature, data, ec.ECDSA(_hash(key)))
            case rsa.RSAPublicKey():
                key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
            case _:
                key.verify(signature, data)
    except InvalidSignature:
        return False
    return True


def _hash(key: ec.EllipticCurvePublicKey) -> hashes.HashAlgorithm:
    """Return the hash that goes with a curve (Sigstore's algorithm registry)."""
    sizes: dict[int, hashes.HashAlgorithm] = {384: hashes.SHA384(), 521: hashes.SHA512()}
    return sizes.get(key.key_size, hashes.SHA256())
