"""The real API server of Kubernetes with its deployment controller, and pods that a test moves.

There is no kubelet: a thread says of each pod what a kubelet would, ready or not by its image. What
containers log is therefore not to be had.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE_S = 120
_TOKEN = "of-the-test"  # noqa: S105 - it opens a server that lives as long as the test
_PODS = "/api/v1/namespaces/shop/pods"
_DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"


@dataclass(slots=True, kw_only=True)
class RealCluster:
    """What tests ask of it; the same as of `tests.support.kubernetes_api.Cluster`."""

    client: httpx.Client
    kubeconfig: str
    bad: set[str] = field(default_factory=set[str])

    def add(self, name: str, images: dict[str, str]) -> None:
        """Add a deployment, and wait until it is ready."""
        labels = {"app": name}
        containers = [{"name": key, "image": image} for key, image in images.items()]
        template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
        spec = {
            "replicas": 2,
            "progressDeadlineSeconds": 4,
            "selector": {"matchLabels": labels},
            "template": template,
        }
        self._ask("POST", _DEPLOYMENTS, {"metadata": {"name": name}, "spec": spec})
        deadline = time.monotonic() + PATIENCE_S
        while self._get(name).get("status", {}).get("readyReplicas") != spec["replicas"]:
            assert time.monotonic() < deadline, self._get(name)
            time.sleep(0.1)

    def images(self, name: str) -> dict[str, str]:
        """Return the images that a deployment is told now, by container."""
        containers = self._get(name)["spec"]["template"]["spec"]["containers"]
        return {one["name"]: one["image"] for one in containers}

    def annotations(self, name: str) -> dict[str, str]:
        """Return what a deployment is annotated with."""
        found: dict[str, str] = self._get(name)["metadata"].get("annotations", {})
        return found

    def move_pods(self) -> None:
        """Say of each pod what a kubelet would."""
        for pod in self._ask("GET", _PODS)["items"]:
            images = [one["image"] for one in pod["spec"]["containers"]]
            is_bad = any(word in image for word in self.bad for image in images)
            if pod.get("status", {}).get("containerStatuses"):
                continue
            waiting = {"reason": "ImagePullBackOff", "message": "no such image"}
            state = {"waiting": waiting} if is_bad else {"running": {}}
            statuses = [
                {
                    "name": one["name"],
                    "image": one["image"],
                    "imageID": "",
                    "ready": not is_bad,
                    "restartCount": 0,
                    "state": state,
                }
                for one in pod["spec"]["containers"]
            ]
            ready = {"type": "Ready", "status": "False" if is_bad else "True"}
            status = {"phase": "Running", "conditions": [ready], "containerStatuses": statuses}
            with contextlib.suppress(httpx.HTTPStatusError):  # it is gone by now
                self._ask("PATCH", f"{_PODS}/{pod['metadata']['name']}/status", {"status": status})

    def _get(self, name: str) -> dict[str, Any]:
        return self._ask("GET", f"{_DEPLOYMENTS}/{name}")

    def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        answer = self.client.request(method, path, json=body, headers={"Content-Type": kind})
        found: dict[str, Any] = answer.raise_for_status().json()
        return found


@contextlib.contextmanager
def kubernetes_cluster(program: str, folder: Path) -> Iterator[RealCluster]:
    """Run an empty cluster until the end of the block; its files are in the folder."""
    etcd, peer, port, secure = _free_ports(4)
    url = f"https://127.0.0.1:{port}"
    _write_keys(folder)
    kubeconfig = _kubeconfig(url)
    (folder / "kubeconfig").write_text(kubeconfig)
    with contextlib.ExitStack() as stack:

        def start(part: str, *options: str) -> None:
            stack.enter_context(_process(folder, program, part, *options))

        listen = f"http://127.0.0.1:{etcd}"
        start(
            "etcd", f"--data-dir={folder / 'etcd'}", f"--listen-client-urls={listen}",
            f"--advertise-client-urls={listen}", f"--listen-peer-urls=http://127.0.0.1:{peer}",
            "--unsafe-no-fsync",
        )  # fmt: skip
        start(
            "apiserver", f"--etcd-servers={listen}", f"--secure-port={port}",
            "--bind-address=127.0.0.1", f"--cert-dir={folder / 'certs'}",
            "--service-account-issuer=https://example.com",
            f"--service-account-key-file={folder / 'key.pub'}",
            f"--service-account-signing-key-file={folder / 'key'}",
            f"--token-auth-file={folder / 'tokens'}", "--authorization-mode=RBAC",
            "--disable-admission-plugins=ServiceAccount", "--service-cluster-ip-range=10.0.0.0/24",
        )  # fmt: skip
        headers = {"Authorization": f"Bearer {_TOKEN}"}
        client = stack.enter_context(
            httpx.Client(base_url=url, headers=headers, verify=False, timeout=30)  # noqa: S501 - its own certificate
        )
        _wait_until_ready(client, folder / "apiserver.log")
        start(
            "controllers", f"--kubeconfig={folder / 'kubeconfig'}", "--leader-elect=false",
            "--controllers=deployment-controller,replicaset-controller",
            f"--secure-port={secure}", "--bind-address=127.0.0.1",
            f"--cert-dir={folder / 'more-certs'}",
        )  # fmt: skip
        client.post("/api/v1/namespaces", json={"metadata": {"name": "shop"}}).raise_for_status()
        cluster = RealCluster(client=client, kubeconfig=kubeconfig)
        stack.enter_context(_moving(cluster))
        yield cluster
    shutil.rmtree(folder / "etcd", ignore_errors=True)


@contextlib.contextmanager
def _moving(cluster: RealCluster) -> Iterator[None]:
    ended = threading.Event()

    def move() -> None:
        while not ended.wait(0.2):
            with contextlib.suppress(httpx.HTTPError):
                cluster.move_pods()

    thread = threading.Thread(target=move)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextlib.contextmanager
def _process(folder: Path, program: str, part: str, *options: str) -> Iterator[None]:
    with (folder / f"{part}.log").open("wb") as log:
        process = subprocess.Popen([program, part, *options], stdout=log, stderr=log, cwd=folder)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(client: httpx.Client, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if client.get("/readyz").text == "ok":
                return
        time.sleep(0.2)
    raise AssertionError(f"the API server does not answer: {log.read_text()[-3000:]}")


def _write_keys(folder: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (folder / "key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    (folder / "key.pub").write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    (folder / "tokens").write_text(f'{_TOKEN},test,test,"system:masters"\n')


def _kubeconfig(url: str) -> str:
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [
                {"name": "test", "cluster": {"server": url, "insecure-skip-tls-verify": True}}
            ],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "users": [{"name": "test", "user": {"token": _TOKEN}}],
        }
    )


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
