"""What the configuration asks of a published image, and whose signature it trusts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway._registries import plan_mirrors
from keelway.errors import PlanError
from keelway.verification.checks import Demands
from keelway.verification.identity import identity_trust
from keelway.verification.verify import KeyTrust, VerifySpec

if TYPE_CHECKING:
    from pathlib import Path

    from keelway.config import Config
    from keelway.facts import Facts


def configured_spec(config: Config, facts: Facts) -> VerifySpec:
    """Return how images are verified before something is done with them.

    Args:
        config: What was written.
        facts: What is true here: where paths begin, logins and programs.

    Raises:
        PlanError: Nobody says whose signature counts, or the public key cannot be read.
    """
    verify = config.verify
    trust = None
    if verify.identity is not None and verify.issuer is not None:
        given = config.sign.trusted_root
        trust = identity_trust(
            verify.identity,
            verify.issuer,
            cosign=str(facts.programs.get("cosign") or "cosign"),
            trusted_root=None if given is None else facts.resolve(given),
            transparency_log=config.sign.transparency_log is not False,
        )
    public = public_key_file(config, facts.root)
    if trust is None and public is None:
        raise PlanError(
            "nobody says whose signature counts",
            next_step="set sign.public_key, or verify.identity and verify.issuer",
        )
    return VerifySpec(
        trust=trust or KeyTrust(public_key=read_public_key(public)),
        demands=configured_demands(config),
        login_files=facts.login_files,
        mirrors=plan_mirrors(config),
    )


def configured_demands(config: Config) -> Demands:
    """Return what is asked of an image beside a signature."""
    verify = config.verify
    vulnerable = "vuln" in config.scan.scanners and config.scan.database != "none"
    return Demands(
        source=verify.source,
        builders=verify.builders,
        parameters=verify.parameters,
        sboms=verify.sboms,
        max_scan_age_days=verify.max_scan_age_days if vulnerable else None,
        attested=config.attest.enabled,
    )


def public_key_file(config: Config, root: Path) -> Path | None:
    """Return the configured public key, or the one beside the private key."""
    sign = config.sign
    if sign.public_key is not None:
        return root / sign.public_key
    key = (sign.key or "").removeprefix("file://")
    if not key.endswith(".key") or "://" in key:
        return None
    beside = (root / key).with_suffix(".pub")
    return beside if beside.is_file() else None


def read_public_key(path: Path | None) -> str:
    """Return a public key.

    Raises:
        PlanError: It cannot be read.
    """
    try:
        if path is None:
            raise FileNotFoundError("there is none")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(
            f"the public key {path} cannot be read",
            why=str(error),
            next_step="name the file that cosign wrote beside the private key",
        ) from error
