"""An image verified in front of the user."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keelway._cli import output
from keelway._cli.env import environment
from keelway._cli.stopping import run_until_stopped
from keelway._registries import own_keyring, plan_mirrors
from keelway.config import Config, load_config
from keelway.errors import ConfigError, PlanError
from keelway.facts.gather import find_programs, login_files
from keelway.verification.checks import Demands
from keelway.verification.configured import (
    configured_demands,
    public_key_file,
    read_public_key,
)
from keelway.verification.identity import IdentityTrust, identity_trust
from keelway.verification.verify import KeyTrust, Verification, VerifySpec, refusal, verify_image

if TYPE_CHECKING:
    from collections.abc import Mapping

VERIFICATION_SCHEMA = "keelway.verification/1"
_COLUMN = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line says of it."""

    key: str | None
    identity: str | None
    issuer: str | None
    signature_only: bool


NOTHING_ASKED = Asked(key=None, identity=None, issuer=None, signature_only=False)
"""A command line that leaves all to the configuration."""


def show_verification(image: str, asked: Asked, config: Path | None, *, as_json: bool) -> None:
    """Verify an image and print how it stands.

    Raises:
        GateError: It does not verify.
        KeelwayError: It could not be looked at.
    """
    written, root = find_configuration(config)
    spec = verification_spec(asked, written, root, environment())
    result = run_until_stopped(partial(verify_image, image, spec))
    text = json.dumps(_data(result), indent=2) if as_json else verification_text(result)
    output.result(text)
    if not result.passed:
        raise refusal(result)


def verification_spec(
    asked: Asked, written: Config | None, root: Path, environ: Mapping[str, str]
) -> VerifySpec:
    """Return whom to trust and what to ask: options count before the configuration.

    Args:
        asked: The options.
        written: The configuration, where there is one.
        root: What its paths are relative to.
        environ: The environment, for logins and programs.

    Raises:
        PlanError: Nobody says whose signature counts.
    """
    return VerifySpec(
        trust=_trust(asked, written, root, environ),
        demands=_demands(asked, written),
        login_files=login_files(environ),
        find_login=own_keyring(written, root, environ).find,
        mirrors={} if written is None else plan_mirrors(written),
    )


def find_configuration(config: Path | None) -> tuple[Config | None, Path]:
    """Return the configuration, which an operator's machine need not have, and its directory.

    Raises:
        ConfigError: It is wrong, or the one that is named is not there.
    """
    try:
        loaded = load_config(Path.cwd(), config)
    except ConfigError as error:
        missing = config is None and any("not found" in problem.text for problem in error.problems)
        if not missing:
            raise
        return None, Path.cwd()
    return loaded.config, loaded.root


def _trust(
    asked: Asked, written: Config | None, root: Path, environ: Mapping[str, str]
) -> KeyTrust | IdentityTrust:
    if asked.key is not None:
        return KeyTrust(public_key=read_public_key(Path(asked.key)))
    verify = None if written is None else written.verify
    identity = asked.identity or (verify.identity if verify else None)
    issuer = asked.issuer or (verify.issuer if verify else None)
    if identity is not None and issuer is not None:
        found = find_programs(("cosign",), environ.get("PATH", "")).get("cosign")
        given = None if written is None else written.sign.trusted_root
        return identity_trust(
            identity,
            issuer,
            cosign=str(found or "cosign"),
            trusted_root=None if given is None else root / given,
            transparency_log=written is None or written.sign.transparency_log is not False,
        )
    if (identity is None) != (issuer is None):
        raise PlanError(
            "an identity is checked together with its issuer",
            next_step="give both --identity and --issuer",
        )
    public = None if written is None else public_key_file(written, root)
    if public is None:
        raise PlanError(
            "nobody says whose signature counts",
            next_step="give --key, or --identity and --issuer; or set sign.public_key, or "
            "verify.identity and verify.issuer, in keelway.toml",
        )
    return KeyTrust(public_key=read_public_key(public))


def _demands(asked: Asked, written: Config | None) -> Demands:
    if asked.signature_only or written is None:
        return Demands(attested=not asked.signature_only)
    return configured_demands(written)


def _data(result: Verification) -> dict[str, Any]:
    return {
        "schema": VERIFICATION_SCHEMA,
        "image": result.image,
        "digest": result.digest,
        "passed": result.passed,
        "verified_at": result.verified_at.isoformat(),
        "checks": [asdict(one) for one in result.checks],
        "refused": list(result.refused),
    }


def verification_text(result: Verification) -> str:
    """Return how an image stands, for people."""
    lines = [f"{result.image}@{result.digest}" if "@" not in result.image else result.image]
    for one in result.checks:
        mark = "ok" if one.passed else "NO"
        lines.append(f"  {mark}  {one.subject:<{_COLUMN}}{one.name:<{_COLUMN}}{one.text}")
    return "\n".join(lines)
