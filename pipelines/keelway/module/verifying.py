"""A published image, held against what is asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway._stage import failures_of

if TYPE_CHECKING:
    from pathlib import Path

    import dagger

    from keelway.module.workplace import Copy


async def verify_published(
    place: Copy,
    image: str,
    key: dagger.File | None,
    *,
    identity: str | None,
    issuer: str | None,
    signature_only: bool,
) -> str:
    """Return how a published image stands to what is asked of it.

    Args:
        place: Where the configuration is.
        image: The image, by tag or digest.
        key: The public key that signed it.
        identity: Exact identity of a keyless signature.
        issuer: Its exact OIDC issuer.
        signature_only: Whether only a signature is asked for.

    Raises:
        GateError: It does not verify.
        KeelwayError: It could not be looked at.
    """
    from keelway._cli.verifying import (  # noqa: PLC0415 - registering is quick
        Asked,
        verification_spec,
        verification_text,
    )
    from keelway.module.workplace import environ_of  # noqa: PLC0415 - likewise
    from keelway.verification.verify import refusal, verify_image  # noqa: PLC0415 - likewise

    file: Path | None = None
    if key is not None:
        file = place.root.parent / "key.pub"
        with failures_of("verify", "copying the public key"):
            await key.export(str(file))
    asked = Asked(
        key=None if file is None else str(file),
        identity=identity,
        issuer=issuer,
        signature_only=signature_only,
    )
    spec = verification_spec(
        asked, place.loaded.config, place.loaded.root, environ_of(place.project)
    )
    result = await verify_image(image, spec)
    if not result.passed:
        raise refusal(result)
    return verification_text(result)
