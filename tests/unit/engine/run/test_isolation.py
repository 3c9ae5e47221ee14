"""Which isolation `auto` takes: the chroot only where neither mounts nor namespaces are allowed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.run import kernel, overlay
from keelway.engine.run.isolation import chroot_reason, enter
from keelway.engine.run.refusal import Cause, namespaces_refused
from tests.support import powers
from tests.support.unprivileged import give_up_privileges
from tests.unit.engine.run.sandboxed import in_child

if TYPE_CHECKING:
    from collections.abc import Callable

CAP_SETFCAP = 31


def chosen(take_away: Callable[[], object]) -> str | None:
    """Return why `auto` takes the chroot once something was taken from root."""

    def ask() -> str | None:
        take_away()
        return chroot_reason("auto")

    return in_child(ask)


def told(take_away: Callable[[], object]) -> str:
    """Return what `auto` says where it gives no isolation at all."""

    def ask() -> str:
        take_away()
        try:
            enter("auto", lambda _sandbox: 0)
        except EngineError as error:
            return str(error)
        return "entered"

    return in_child(ask)


def like_docker() -> None:
    """Be root of a container with Docker's default privileges."""
    give_up_privileges()
    powers.drop_capability(powers.CAP_SYS_ADMIN)  # which the next program would not have either


def without_mounts() -> None:
    """Be root whom AppArmor keeps from mounts in Docker's containers, in any namespace."""
    powers.refuse_system_calls(powers.MOUNT)
    powers.drop_capability(powers.CAP_SYS_ADMIN)


def without_a_proc() -> None:
    """Be root of a container that shows `/proc` with parts of it hidden, and allows namespaces."""
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_SLAVE)
    overlay.bind(Path("/dev/null"), Path("/proc/interrupts"))
    powers.drop_capability(powers.CAP_SYS_ADMIN)


def without_maps() -> None:
    """Be root of a container that allows user namespaces, with a capability less than Docker's."""
    powers.drop_capability(CAP_SETFCAP)
    powers.drop_capability(powers.CAP_SYS_ADMIN)


@pytest.mark.parametrize(
    ("take_away", "why"),
    [
        (like_docker, "root may make neither namespaces nor a user namespace here: a filter"),
        (without_mounts, "nothing may be mounted in the engine's own namespaces"),
        (without_a_proc, "/proc may not be mounted anew since parts of it are hidden"),
    ],
)
def test_chroot_is_for_root_who_may_do_neither(take_away: Callable[[], object], why: str) -> None:
    assert why in (chosen(take_away) or "namespaces")


def test_root_of_the_machine_has_namespaces() -> None:
    assert chosen(lambda: None) is None


def test_ids_that_cannot_be_mapped_are_told_and_no_reason_for_a_chroot() -> None:
    assert chosen(without_maps) is None
    assert "root of this container has not all of CAP_SETUID, CAP_SETGID" in told(without_maps)


def test_a_limit_that_is_reached_is_no_reason_for_a_chroot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keelway.engine.run.refusal._SYSCTL", tmp_path)
    limit = tmp_path / "user" / "max_user_namespaces"
    limit.parent.mkdir()
    for value, cause in (("100", Cause.LIMIT), ("0", Cause.NAMESPACES)):
        limit.write_text(value)
        refused = namespaces_refused(OSError(28, "No space left on device"), root=True)
        assert refused.cause is cause
        assert f"the machine's limit of {value} is reached" in str(refused)


@pytest.mark.parametrize("choice", ["auto", "namespace"])
def test_others_are_told_by_the_sandbox_itself(
    choice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert chroot_reason(choice) is None


def test_it_can_be_asked_for() -> None:
    assert chroot_reason("chroot") == "KEELWAY_ENGINE_ISOLATION=chroot asks for it"
