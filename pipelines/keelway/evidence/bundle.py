"""Sigstore bundles, version 0.3: what signs, and what was signed."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
DSSE_TYPE = "application/vnd.dsse.envelope.v1+json"


class BadBundleError(ValueError):
    """Text that is no Sigstore bundle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle, and the parts of it that are looked at here."""

    text: str
    document: Mapping[str, Any]

    @classmethod
    def parse(cls, text: str) -> Bundle:
        """Return what the text says.

        Raises:
            BadBundleError: It is no bundle.
        """
        try:
            document = json.loads(text)
            kind = str(document["mediaType"])
        except (ValueError, TypeError, KeyError) as error:
            raise BadBundleError(f"no Sigstore bundle: {error}") from error
        if not kind.startswith("application/vnd.dev.sigstore.bundle"):
            raise BadBundleError(f"no Sigstore bundle: its media type is {kind!r}")
        return cls(text=text, document=document)

    @property
    def envelope(self) -> Mapping[str, Any]:
        """Return the signed envelope.

        Raises:
            BadBundleError: It signs a message, not an envelope.
        """
        envelope = self.document.get("dsseEnvelope")
        if not isinstance(envelope, dict):
            raise BadBundleError("the bundle has no DSSE envelope")
        return cast("dict[str, Any]", envelope)

    @property
    def payload(self) -> bytes:
        """Return what the envelope signs.

        Raises:
            BadBundleError: It cannot be read.
        """
        try:
            return base64.b64decode(str(self.envelope["payload"]), validate=True)
        except (KeyError, binascii.Error) as error:
            raise BadBundleError("the bundle's payload cannot be read") from error

    def statement(self) -> Mapping[str, Any]:
        """Return the in-toto statement in the envelope.

        Raises:
            BadBundleError: There is none.
        """
        try:
            document = json.loads(self.payload)
        except ValueError as error:
            raise BadBundleError("the bundle's payload is no JSON") from error
        if not isinstance(document, dict) or "predicateType" not in document:
            raise BadBundleError("the bundle's payload is no in-toto statement")
        return cast("dict[str, Any]", document)

    def message_signature(self) -> str:
        """Return the signature of a signed message, base64.

        Raises:
            BadBundleError: There is none.
        """
        try:
            return str(self.document["messageSignature"]["signature"])
        except (KeyError, TypeError) as error:
            raise BadBundleError("the bundle signs no message") from error
