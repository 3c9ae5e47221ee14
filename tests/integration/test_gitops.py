"""What GitOps writes, seen by others: kustomize, an ssh server, git's own check of signatures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from keelway.gitops.deploying import deploy_gitops
from keelway.gitops.problem import GitOpsError
from keelway.gitops.spec import GitOpsSpec, LoginSpec, PullRequestSpec, SigningSpec
from tests.support.gitops import FILES, REPOSITORY, followed, release, run_with, spec_of
from tests.support.layout import Entry, PlatformImage, tar_layer, write_layout
from tests.support.missing import need
from tests.support.registry import running_registry
from tests.support.sample_images import copy_image
from tests.support.ssh_server import new_key, ssh_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.model.target_release import TargetOutcome, TargetRelease

OVERLAY = "overlays/production/kustomization.yaml"


def run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


async def deploy(spec: GitOpsSpec, wanted: TargetRelease, **secrets: str) -> TargetOutcome:
    with run_with(**secrets) as run:
        return await deploy_gitops(run, spec, wanted)


@pytest.fixture
def kustomize(monkeypatch: pytest.MonkeyPatch) -> str:
    program = need("kustomize", package="kustomize, by scripts/go-tools --tests")
    monkeypatch.setenv("PATH", f"{Path(program).parent}:{os.environ['PATH']}")
    return program


@pytest.mark.parametrize(
    "images",
    [
        FILES[OVERLAY].partition("images:")[2].partition("\n\n")[0],
        "",
        "\n- name: orders\n  newName: old.example.com/orders",
        "\n- {name: orders, digest: 'sha256:0000'}",
    ],
    ids=["a tag", "none", "a name", "a digest in braces"],
)
async def test_kustomize_builds_the_new_digest(tmp_path: Path, kustomize: str, images: str) -> None:
    overlay = f"resources: [../../base]\nimages:{images or ' []'}\n"
    there = followed(tmp_path, {**FILES, OVERLAY: overlay})
    await deploy(spec_of(there, check="always"), release("2.0", "a"))
    there.other.git("pull", "-q", "origin", "main")
    folder = there.other.path / "overlays/production"
    built = run(kustomize, "build", str(folder))
    tag = ":2.0" if "newTag" in images else ""
    assert f"- image: {REPOSITORY}{tag}@sha256:{'a' * 64}\n" in built


async def test_what_kustomize_does_not_find_is_not_committed(
    tmp_path: Path, kustomize: str
) -> None:
    del kustomize
    there = followed(tmp_path)
    before = there.git("rev-parse", "main")
    with pytest.raises(GitOpsError, match="no container in it has the image ordres"):
        await deploy(spec_of(there, check="auto", images={"orders": "ordres"}), release("2", "a"))
    there.somebody_pushes({"base/kustomization.yaml": "resources: [absent.yaml]\n"})
    with pytest.raises(GitOpsError, match="does not build") as caught:
        await deploy(spec_of(there, check="auto"), release("2", "a"))
    assert "absent.yaml" in (caught.value.why or "")
    assert there.git("rev-parse", "main^") == before


async def test_ssh_with_a_key_and_known_hosts(tmp_path: Path) -> None:
    there = followed(tmp_path)
    (tmp_path / "ssh").mkdir()
    with ssh_server(tmp_path / "ssh") as server:
        known = tmp_path / "known hosts"
        known.write_text(server.known_hosts)
        login = LoginSpec(ssh_key="env://KEY", known_hosts=str(known))
        spec = spec_of(there, url=f"{server.url}{there.bare}", login=login)
        # Secret stores cut off the newline at the end.
        done = await deploy(spec, release("2.0", "a"), KEY=server.key.read_text().rstrip())
        assert done.changed
        assert f"sha256:{'a' * 64}" in there.file(OVERLAY)
        other = new_key(tmp_path / "changed").with_suffix(".pub").read_text().split()
        known.write_text(f"{server.known_hosts.split()[0]} {other[0]} {other[1]}\n")
        with pytest.raises(GitOpsError) as changed:
            await deploy(spec, release("2.1", "b"), KEY=server.key.read_text())
        known.write_text("")
        with pytest.raises(GitOpsError) as unknown:
            await deploy(spec, release("2.1", "b"), KEY=server.key.read_text())
    for caught in (changed, unknown):
        assert "Host key verification failed" in (caught.value.why or "")
        assert "known hosts" in (caught.value.next_step or "")
    assert f"sha256:{'a' * 64}" in there.file(OVERLAY)


async def test_a_commit_is_signed_with_an_ssh_key(tmp_path: Path) -> None:
    there = followed(tmp_path)
    key = new_key(tmp_path / "signing")
    allowed = tmp_path / "allowed"
    allowed.write_text(f"keelway@localhost {key.with_suffix('.pub').read_text()}")
    spec = spec_of(there, signing=SigningSpec(format="ssh", key="env://KEY"))
    await deploy(spec, release("2.0", "a"), KEY=key.read_text())
    there.git("config", "gpg.ssh.allowedSignersFile", str(allowed))
    assert there.git("log", "-1", "--format=%G? %GS", "main") == "G keelway@localhost"
    with pytest.raises(GitOpsError, match="committing failed"):
        await deploy(spec, release("2.1", "b"), KEY="no key")
    assert there.git("rev-list", "--count", "main") == "2"


async def test_a_commit_is_signed_with_a_key_of_gpg(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpg = need("gpg", package="gnupg")
    there = followed(tmp_path)
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    words = [gpg, "--homedir", str(home), "--batch", "--pinentry-mode", "loopback"]
    words += ["--passphrase", "open sesame"]
    run(*words, "--quick-gen-key", "bot <bot@example.com>", "ed25519")
    armored = run(*words, "--armor", "--export-secret-keys")
    signing = SigningSpec(format="gpg", key="env://KEY", passphrase="env://PASS")
    spec = spec_of(there, signing=signing, author="bot <bot@example.com>")
    await deploy(spec, release("2.0", "a"), KEY=armored, PASS="open sesame")
    monkeypatch.setenv("GNUPGHOME", str(home))
    shown = there.git("log", "-1", "--format=%G? %GS", "main")
    assert shown == "G bot <bot@example.com>"
    with pytest.raises(GitOpsError, match="committing failed"):
        await deploy(spec, release("2.1", "b"), KEY=armored, PASS="wrong")
    with pytest.raises(GitOpsError, match="none that gpg takes"):
        await deploy(spec, release("2.1", "b"), KEY="no key", PASS="open sesame")
    run("gpgconf", "--homedir", str(home), "--kill", "all")


@dataclass(slots=True)
class Forge:
    """GitHub's and GitLab's API, as far as pull requests need it."""

    url: str = ""
    failures: int = 0
    asked: list[tuple[str, str, dict[str, str], dict[str, str]]] = field(default_factory=list[Any])
    opened: list[dict[str, str]] = field(default_factory=list[dict[str, str]])


@contextmanager
def forge() -> Iterator[Forge]:
    there = Forge()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._note({})
            self._say(200, there.opened)

        def do_POST(self) -> None:
            self._note(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            if there.failures:
                there.failures -= 1
                self._say(502, {"message": "bad gateway"})
            elif there.opened:
                self._say(422, {"message": "Validation Failed"})
            else:
                there.opened.append({"html_url": "https://hub/1", "web_url": "https://lab/1"})
                self._say(201, there.opened[0])

        def _note(self, body: dict[str, str]) -> None:
            there.asked.append((self.command, self.path, dict(self.headers), body))

        def _say(self, code: int, document: object) -> None:
            body = json.dumps(document).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            del format, args

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    there.url = f"http://127.0.0.1:{listener.server_address[1]}"
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield there
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()


@pytest.mark.parametrize(
    ("provider", "path", "header", "names", "address"),
    [
        (
            "github", "/repos/shop/deploy/pulls", ("Authorization", "Bearer t0ken"),
            ("head", "base"), "https://hub/1",
        ),
        (
            "gitlab", "/projects/shop%2Fdeploy/merge_requests", ("PRIVATE-TOKEN", "t0ken"),
            ("source_branch", "target_branch"), "https://lab/1",
        ),
    ],
)  # fmt: skip
async def test_a_pull_request_is_opened_once(
    tmp_path: Path,
    provider: Any,
    path: str,
    header: tuple[str, str],
    names: tuple[str, str],
    address: str,
) -> None:
    there = followed(tmp_path)
    with forge() as server:
        server.failures = 1
        wanted = PullRequestSpec(
            provider=provider, api=server.url, repository="shop/deploy", token="env://TOKEN"
        )
        spec = spec_of(there, mode="branch", pull_request=wanted)
        first = await deploy(spec, release("2.0", "a"), TOKEN="t0ken\n")
        again = await deploy(spec, release("2.0", "a"), TOKEN="t0ken\n")
    assert first.url == again.url == address
    method, asked, headers, body = server.asked[1]
    assert (method, asked, headers[header[0]]) == ("POST", path, header[1])
    assert {name: body[name] for name in names} == {names[0]: "keelway/web/2.0", names[1]: "main"}
    assert body["title"] == "Deploy shop 2.0 to production"


COMMAND_PROJECT = """\
[project]
name = "shop"
[images.orders]
[deploy.web]
kind = "gitops"
environment = "production"
repository = "../deploy.git"
format = "kustomize"
path = "overlays/production"
images = { orders = "orders" }
require_verified = false
"""


def test_the_commands_deploy_tell_and_go_back(tmp_path: Path) -> None:
    there = followed(tmp_path)
    anyio.run(deploy, spec_of(there), release("v1", "a"))
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "keelway.toml").write_text(COMMAND_PROJECT)
    (tmp_path / "registry").mkdir()

    def keelway(*words: str) -> str:
        program = Path(sys.executable).with_name("keelway")
        done = subprocess.run(
            [program, *words],
            cwd=tmp_path / "project",
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    with running_registry(tmp_path / "registry") as registry:
        layer = tar_layer([Entry(path="version", data=b"v2")])
        image = PlatformImage(architecture="amd64", layers=[layer])
        write_layout(tmp_path / "image", [image], tag="v2")
        reference = f"{registry.address}/shop/orders:v2"
        copy_image(f"oci:{tmp_path / 'image'}:v2", f"docker://{reference}")
        digest = registry.manifest(reference)[0]
        keelway("deploy", reference, "--to", "web")
    assert digest in there.file(OVERLAY)
    keelway("rollback", "web", "--reason", "orders are lost")
    assert f"sha256:{'a' * 64}" in there.file(OVERLAY)
    history = keelway("history", "web", "--json")
    for word in ("a" * 64, digest, "rollback", "orders are lost"):
        assert word in history
