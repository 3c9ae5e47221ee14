"""Who signs, by the configuration and what is true here. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway._cage import plan_tool
from keelway._secrets import plan_secret
from keelway._tools.cosign import COSIGN, TOKEN_VARIABLE
from keelway.errors import PlanError
from keelway.model.evidence import Layout
from keelway.model.signer import KMS_SCHEMES, KeylessSigner, KeySigner, SignerSpec

if TYPE_CHECKING:
    from keelway.config import Config
    from keelway.config.sign import SignConfig
    from keelway.facts import Facts

GITHUB_TOKEN = "github://"  # noqa: S105 - an address
_GITHUB_VARIABLES = frozenset({"ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"})


def plan_signer(config: Config, facts: Facts) -> SignerSpec:
    """Return who signs.

    Raises:
        PlanError: The key, its password, a token or cosign is missing.
    """
    sign = config.sign
    return SignerSpec(
        who=_keyless(sign, facts) if sign.key is None else _key(sign, sign.key, facts),
        tool=plan_tool(COSIGN, config.tools.cosign, facts),
        signing_config=_file(sign.signing_config, facts, "sign.signing_config"),
        trusted_root=_file(sign.trusted_root, facts, "sign.trusted_root"),
        transparency_log=sign.key is None
        if sign.transparency_log is None
        else bool(sign.transparency_log),
        variables=tuple(name for name in sign.variables if name in facts.variables),
    )


def plan_layouts(config: Config) -> tuple[Layout, ...]:
    """Return how signatures are kept.

    Raises:
        PlanError: The old layout is asked for without a key: its verifiers look for a transparency
            log's entry beside the signature, in a form that only they write.
    """
    sign = config.sign
    layouts = tuple(dict.fromkeys(Layout(layout) for layout in sign.layouts))
    if Layout.LEGACY in layouts and sign.key is None:
        raise PlanError(
            'sign.layouts: "legacy" keeps signatures by a key only, and signing is keyless here',
            next_step='set sign.layouts = ["referrer"], which cosign 3 reads, or set sign.key',
        )
    return layouts


def _key(sign: SignConfig, key: str, facts: Facts) -> KeySigner:
    scheme, _, rest = key.partition("://")
    password = None
    if sign.password is not None:
        password = plan_secret(sign.password, facts, what="the password of the signing key")
    if scheme in KMS_SCHEMES and rest:
        return KeySigner(key=key, password=password)
    address = key if rest else f"file://{key}"
    return KeySigner(key=plan_secret(address, facts, what="the signing key"), password=password)


def _keyless(sign: SignConfig, facts: Facts) -> KeylessSigner:
    if sign.transparency_log is False and sign.signing_config is None:
        raise PlanError(
            "sign.transparency_log is false, but Sigstore's public services enter every keyless "
            "signature into their log",
            next_step="set sign.signing_config to the services of a private Sigstore, or sign.key",
        )
    if sign.identity_token is not None:
        what = "the identity token"
        return KeylessSigner(token=plan_secret(sign.identity_token, facts, what=what))
    if facts.variables >= _GITHUB_VARIABLES:
        return KeylessSigner(token=GITHUB_TOKEN)
    if TOKEN_VARIABLE in facts.variables:
        return KeylessSigner(token=f"env://{TOKEN_VARIABLE}")
    raise PlanError(
        "there is nothing to sign with: no key is configured, and no identity is proved here",
        next_step="set sign.key; or in GitHub Actions give the job `permissions: id-token: write`; "
        f"in GitLab set `id_tokens: {TOKEN_VARIABLE}: aud: sigstore`; elsewhere set "
        "sign.identity_token",
    )


def _file(path: str | None, facts: Facts, key: str) -> str | None:
    if path is None:
        return None
    if facts.kind_of(path) not in {None, "file"}:
        raise PlanError(f"{key}: there is no file {path}", next_step="write it, or correct it")
    return str(facts.resolve(path))
