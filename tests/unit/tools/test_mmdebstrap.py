"""mmdebstrap's command line."""

from __future__ import annotations

import pytest

from keelway._tools.mmdebstrap import (
    debian_architecture,
    mmdebstrap_argv,
    mmdebstrap_environment,
)


@pytest.mark.parametrize(
    ("platform", "architecture"),
    [
        ("linux/amd64", "amd64"),
        ("linux/arm64", "arm64"),
        ("linux/arm/v7", "armhf"),
        ("linux/386", "i386"),
        ("linux/ppc64le", "ppc64el"),
        ("linux/riscv64", "riscv64"),
    ],
)
def test_architectures_have_debians_names(platform: str, architecture: str) -> None:
    assert debian_architecture(platform) == architecture


def test_the_whole_command_line() -> None:
    argv = mmdebstrap_argv(
        suite="bookworm",
        packages=("python3", "dash"),
        architecture="arm64",
        target="/w/root.tar",
        sources=("deb http://one bookworm main", "deb http://two bookworm-updates main"),
        compile_python=False,
    )
    assert [word for word in argv if "hook=" not in word] == [
        "mmdebstrap",
        "--variant=extract",
        "--format=tar",
        "--architectures=arm64",
        "--include=python3,dash",
        '--aptopt=Acquire::Retries "3"',
        '--aptopt=APT::Install-Recommends "false"',
        '--aptopt=Acquire::Languages "none"',
        "bookworm",
        "/w/root.tar",
        "deb http://one bookworm main",
        "deb http://two bookworm-updates main",
    ]


def test_bytecode_is_only_made_when_it_is_wanted() -> None:
    def compiles(*, wanted: bool) -> bool:
        argv = mmdebstrap_argv(
            suite="s", packages=("p",), architecture="amd64", target="t", compile_python=wanted
        )
        return any("compileall" in word for word in argv)

    assert compiles(wanted=True)
    assert not compiles(wanted=False)


def test_little_of_the_environment_reaches_it() -> None:
    outside = {"PATH": "/bin", "HOME": "/root", "TOKEN": "secret", "https_proxy": "http://proxy"}
    assert mmdebstrap_environment(outside, temporary="/w", epoch=7) == {
        "PATH": "/bin:/usr/sbin:/sbin",
        "HOME": "/root",
        "https_proxy": "http://proxy",
        "LC_ALL": "C.UTF-8",
        "TMPDIR": "/w",
        "SOURCE_DATE_EPOCH": "7",
    }
