"""What the runtime is told: pure data from an `ExecSpec`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from keelway.engine.run.spec import (
    Bind,
    Confinement,
    Endpoint,
    ExecSpec,
    SecretFile,
    Tmpfs,
    mount_targets,
    oci_spec,
)

ROOT = Path("/merged")


def made(spec: ExecSpec, **confinement: Any) -> dict[str, Any]:
    return dict(oci_spec(spec, Confinement(**confinement)))


def test_the_last_of_equal_variables_wins_and_keeps_its_place() -> None:
    spec = ExecSpec(root=ROOT, argv=["x"], env=["A=1", "B=2", "A=3", "EMPTY="])
    assert made(spec)["process"]["env"] == ["A=3", "B=2", "EMPTY="]


def test_parents_are_mounted_before_children() -> None:
    spec = ExecSpec(
        root=ROOT,
        argv=["x"],
        binds=[Bind(source=Path("/s"), target="/a/b/c"), Bind(source=Path("/s"), target="/a")],
        tmpfs=[Tmpfs(target="/a/b")],
    )
    secret = Bind(source=Path("/state/secret0"), target="/a/b/c/token", readonly=True)
    mounts = [mount["destination"] for mount in made(spec, files=[secret])["mounts"]]
    assert mounts[-4:] == ["/a", "/a/b", "/a/b/c", "/a/b/c/token"]
    assert mount_targets(spec, [secret])[-4:] == ("/a", "/a/b", "/a/b/c", "/a/b/c/token")


def test_a_file_of_the_engines_goes_over_a_mount_at_the_same_path() -> None:
    spec = ExecSpec(
        root=ROOT, argv=["x"], binds=[Bind(source=Path("/theirs"), target="/run/token")]
    )
    ours = Bind(source=Path("/ours"), target="/run/token", readonly=True)
    assert [mount["source"] for mount in made(spec, files=[ours])["mounts"]][-2:] == [
        "/theirs",
        "/ours",
    ]


def test_namespaces_are_own_unless_one_is_given() -> None:
    own = made(ExecSpec(root=ROOT, argv=["x"]))["linux"]["namespaces"]
    assert {entry["type"] for entry in own} == {"pid", "network", "mount", "ipc", "uts"}
    assert not [entry for entry in own if "path" in entry]
    spec = ExecSpec(root=ROOT, argv=["x"], network=Endpoint(ns_path="/net/c1"))
    joined = made(spec, pid_namespace="/proc/7/ns/pid")["linux"]["namespaces"]
    paths = {entry["type"]: entry["path"] for entry in joined if "path" in entry}
    assert paths == {"pid": "/proc/7/ns/pid", "network": "/net/c1"}


def test_confined_unless_privileged() -> None:
    confined = made(ExecSpec(root=ROOT, argv=["x"]), seccomp={"defaultAction": "SCMP_ACT_ALLOW"})
    assert "/proc/kcore" in confined["linux"]["maskedPaths"]
    assert "/proc/sys" in confined["linux"]["readonlyPaths"]
    assert confined["linux"]["seccomp"] == {"defaultAction": "SCMP_ACT_ALLOW"}
    assert confined["process"]["noNewPrivileges"] is False
    assert len(confined["process"]["capabilities"]["bounding"]) == 14
    free = made(ExecSpec(root=ROOT, argv=["x"], privileged=True), capabilities=["CAP_SYS_ADMIN"])
    assert free["linux"]["maskedPaths"] == free["linux"]["readonlyPaths"] == []
    assert "seccomp" not in free["linux"]
    assert free["process"]["capabilities"]["effective"] == ["CAP_SYS_ADMIN"]


def test_a_compiled_filter_goes_before_its_source() -> None:
    spec = made(ExecSpec(root=ROOT, argv=["x"]), seccomp={"x": 1}, seccomp_program="AAAA")
    assert spec["annotations"] == {"run.oci.seccomp_bpf_data": "AAAA"}
    assert "seccomp" not in spec["linux"]


def test_a_secret_is_not_in_the_text_of_its_value() -> None:
    assert "hush" not in repr(SecretFile(target="/x", data=b"hush"))
