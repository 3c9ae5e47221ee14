"""Who signs and how it is kept, by what is configured and what is true here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from keelway.config import Config
from keelway.errors import PlanError
from keelway.evidence.planned import plan_layouts, plan_signer
from keelway.facts import Facts
from keelway.model.evidence import Layout
from keelway.model.signer import KeylessSigner, KeySigner

GITHUB = {"ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"}


def config(**sign: Any) -> Config:
    written = {
        "project": {"name": "shop"},
        "images": {"orders": {}},
        "sign": {"enabled": True, **sign},
    }
    return Config.model_validate(written, strict=False)


def facts(*variables: str) -> Facts:
    programs = {"cosign": Path("/bin/cosign")}
    return Facts(programs=programs, root=Path("/src"), variables=frozenset(variables))


@pytest.mark.parametrize(
    ("sign", "variables", "token"),
    [
        ({}, GITHUB, "github://"),
        ({}, {"SIGSTORE_ID_TOKEN"}, "env://SIGSTORE_ID_TOKEN"),
        ({"identity_token": "env://TOKEN"}, {*GITHUB, "TOKEN"}, "env://TOKEN"),
    ],
    ids=["GitHub", "GitLab", "told"],
)
def test_an_identity_signs_where_there_is_no_key(
    sign: dict[str, Any], variables: set[str], token: str
) -> None:
    assert plan_signer(config(**sign), facts(*variables)).who == KeylessSigner(token=token)


@pytest.mark.parametrize(
    ("key", "kept"),
    [
        ("keys/cosign.key", "file:///src/keys/cosign.key"),
        ("env://COSIGN_KEY", "env://COSIGN_KEY"),
        ("awskms://alias/release", "awskms://alias/release"),
        ("gcpkms://projects/p/keys/k", "gcpkms://projects/p/keys/k"),
        ("azurekms://vault/key", "azurekms://vault/key"),
        ("hashivault://release", "hashivault://release"),
    ],
)
def test_a_key_signs_wherever_it_is(key: str, kept: str) -> None:
    signer = plan_signer(config(key=key), facts("COSIGN_KEY"))
    assert signer.who == KeySigner(key=kept)
    assert not signer.transparency_log


@pytest.mark.parametrize(
    ("sign", "said"),
    [
        ({}, "there is nothing to sign with"),
        ({"key": "env://COSIGN_KEY"}, "COSIGN_KEY is not set"),
        ({"key": "k", "password": "env://WORD"}, "WORD is not set"),
        ({"identity_token": "env://TOKEN"}, "TOKEN is not set"),
        (
            {"identity_token": "cmd://token", "transparency_log": False},
            "Sigstore's public services enter every keyless signature",
        ),
    ],
)
def test_what_is_missing_is_told_before_anything_runs(sign: dict[str, Any], said: str) -> None:
    with pytest.raises(PlanError) as raised:
        plan_signer(config(**sign), facts())
    assert said in raised.value.diagnostics()


def test_the_old_layout_is_for_keys() -> None:
    both = ("referrer", "legacy")
    assert plan_layouts(config(key="k", layouts=both)) == (Layout.REFERRER, Layout.LEGACY)
    with pytest.raises(PlanError, match='"legacy" keeps signatures by a key only') as raised:
        plan_layouts(config(layouts=both))
    assert "sign.key" in raised.value.diagnostics()
