"""Platforms: one way to write each."""

from __future__ import annotations

import pytest

from keelway.errors import PlanError
from keelway.model.platform import KNOWN, architecture, file_name, parse_platform


@pytest.mark.parametrize("platform", KNOWN)
def test_known_ones_are_normal(platform: str) -> None:
    assert parse_platform(platform) == platform


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("linux/aarch64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/x86_64", "linux/amd64"),
        ("Linux/AMD64", "linux/amd64"),
        ("linux/arm", "linux/arm/v7"),
    ],
)
def test_other_names_are_understood(text: str, platform: str) -> None:
    assert parse_platform(text) == platform


@pytest.mark.parametrize(
    ("text", "meant"), [("linux/amd46", "linux/amd64"), ("linux/arm46", "linux/arm64")]
)
def test_a_slip_is_told_with_what_was_meant(text: str, meant: str) -> None:
    with pytest.raises(PlanError, match=f"unknown platform '{text}'") as raised:
        parse_platform(text)
    assert f"did you mean '{meant}'?" in raised.value.diagnostics()


@pytest.mark.parametrize("text", ["", "linux", "windows/amd64", "linux/amd64/v2/x"])
def test_anything_else_is_impossible(text: str) -> None:
    with pytest.raises(PlanError) as raised:
        parse_platform(text)
    assert raised.value.exit_code == 3


def test_parts() -> None:
    platform = parse_platform("linux/arm/v7")
    assert (architecture(platform), file_name(platform)) == ("arm", "linux-arm-v7")
