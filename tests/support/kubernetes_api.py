"""As much of Kubernetes' API as deployments need, with a controller, for the real kubectl.

The documented parts of the real one (https://kubernetes.io/docs/reference/using-api/): discovery,
objects read, listed, watched and patched (strategic merge by container name, optimistic locks by
`resourceVersion`), and what the deployment controller says in `status`: observed generations,
replicas that are updated and available, and `ProgressDeadlineExceeded`. Pods are ready at once,
unless their image is one of those that are bad.
"""

from __future__ import annotations

import contextlib
import copy
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_APPS = "/apis/apps/v1/namespaces/shop/deployments"
_CORE = "/api/v1/namespaces/shop"
_REPLICAS = 2


def _resource(name: str, kind: str, *verbs: str) -> dict[str, Any]:
    return {
        "name": name,
        "singularName": kind.lower(),
        "namespaced": True,
        "kind": kind,
        "verbs": [*verbs, "get", "list", "watch"],
    }


_DISCOVERY: dict[str, dict[str, Any]] = {
    "/version": {"major": "1", "minor": "32", "gitVersion": "v1.32.0"},
    "/api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
    "/apis": {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [
            {
                "name": "apps",
                "versions": [{"groupVersion": "apps/v1", "version": "v1"}],
                "preferredVersion": {"groupVersion": "apps/v1", "version": "v1"},
            }
        ],
    },
    "/api/v1": {
        "kind": "APIResourceList",
        "groupVersion": "v1",
        "resources": [
            _resource("pods", "Pod"),
            _resource("pods/log", "Pod"),
            _resource("events", "Event"),
        ],
    },
    "/apis/apps/v1": {
        "kind": "APIResourceList",
        "groupVersion": "apps/v1",
        "resources": [
            _resource("deployments", "Deployment", "patch", "update"),
            _resource("replicasets", "ReplicaSet"),
        ],
    },
}


@dataclass(slots=True, kw_only=True)
class Cluster:
    """The state of the cluster, and what tests ask of it."""

    bad: set[str] = field(default_factory=set[str])
    """Digests, or other parts of images, that no pod becomes ready with."""
    refused: set[str] = field(default_factory=set[str])
    """Parts of images that the API refuses."""
    deadline_s: float = 1
    """After so many seconds without progress a rollout has failed."""
    requests: list[str] = field(default_factory=list[str])
    kubeconfig: str = ""
    _objects: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _version: int = 1

    def add(self, name: str, images: dict[str, str], *, paused: bool = False) -> None:
        """Add a deployment that is ready."""
        labels = {"app": name}
        containers = [{"name": key, "image": image} for key, image in images.items()]
        pod = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
        made: dict[str, Any] = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": "shop", "generation": 1, "uid": name},
            "spec": {
                "replicas": _REPLICAS,
                "paused": paused,
                "selector": {"matchLabels": labels},
                "template": pod,
            },
        }
        with self._changed:
            self._objects[name] = made
            self._touch(made)
            self._reconcile(made, progressed=True)

    def images(self, name: str) -> dict[str, str]:
        """Return the images that a deployment is told now, by container."""
        with self._changed:
            spec = self._objects[name]["spec"]["template"]["spec"]
            return {one["name"]: one["image"] for one in spec["containers"]}

    def annotations(self, name: str) -> dict[str, str]:
        """Return what a deployment is annotated with."""
        with self._changed:
            found: dict[str, str] = self._objects[name]["metadata"].get("annotations", {})
            return dict(found)

    def read(self, name: str) -> dict[str, Any] | None:
        """Return a deployment as it is now; nothing when there is none."""
        with self._changed:
            return copy.deepcopy(self._objects.get(name))

    def patch(self, name: str, patch: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Return the status and the object of a strategic merge patch."""
        with self._changed:
            there = self._objects[name]
            wanted = patch.get("metadata", {}).get("resourceVersion")
            if wanted and wanted != there["metadata"]["resourceVersion"]:
                return 409, _status(409, "Conflict", "the object has been modified; please retry")
            if any(word in json.dumps(patch.get("spec")) for word in self.refused):
                return 403, _status(403, "Forbidden", "admission webhook denied the request")
            before = copy.deepcopy(there["spec"])
            _merge(there, patch)
            if there["spec"] != before:
                there["metadata"]["generation"] += 1
                threading.Thread(target=self._roll_out, args=(name,), daemon=True).start()
            self._touch(there)
            return 200, copy.deepcopy(there)

    def pods(self, name: str) -> list[dict[str, Any]]:
        """Return the pods of a deployment: ready, or why not."""
        with self._changed:
            template = copy.deepcopy(self._objects[name]["spec"]["template"])
        images = [one["image"] for one in template["spec"]["containers"]]
        is_bad = self._is_bad(images)
        statuses = [
            {
                "name": one["name"],
                "ready": not is_bad,
                "restartCount": 2 if is_bad else 0,
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
                if is_bad
                else {"running": {}},
                "lastState": {"terminated": {"exitCode": 3}} if is_bad else {},
            }
            for one in template["spec"]["containers"]
        ]
        return [
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": f"{name}-1", "namespace": "shop", **template["metadata"]},
                "spec": template["spec"],
                "status": {"containerStatuses": statuses},
            }
        ]

    def wait(self, name: str, version: str) -> dict[str, Any]:
        """Return a deployment once it is no longer of a version."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._objects[name]["metadata"]["resourceVersion"] != version, timeout=5
            )
            return copy.deepcopy(self._objects[name])

    def _roll_out(self, name: str) -> None:
        """Say what the controller says: the change is seen, then it is done or given up."""
        time.sleep(0.1)
        with self._changed:
            self._reconcile(self._objects[name], progressed=False)
            generation = self._objects[name]["metadata"]["generation"]
        time.sleep(0.2)
        if self._is_bad(list(self.images(name).values())):
            time.sleep(self.deadline_s)
        with self._changed:
            if self._objects[name]["metadata"]["generation"] == generation:
                self._reconcile(self._objects[name], progressed=True)

    def _is_bad(self, images: list[str]) -> bool:
        return any(word in image for word in self.bad for image in images)

    def _reconcile(self, there: dict[str, Any], *, progressed: bool) -> None:
        images = [one["image"] for one in there["spec"]["template"]["spec"]["containers"]]
        is_done = progressed and not self._is_bad(images)
        condition = {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"}
        if progressed and not is_done:
            condition = {
                "type": "Progressing",
                "status": "False",
                "reason": "ProgressDeadlineExceeded",
                "message": 'ReplicaSet "x" has timed out progressing.',
            }
        there["status"] = {
            "observedGeneration": there["metadata"]["generation"],
            "replicas": _REPLICAS if is_done else _REPLICAS + 1,
            "updatedReplicas": _REPLICAS if is_done else 1,
            "availableReplicas": _REPLICAS,
            "readyReplicas": _REPLICAS,
            "conditions": [condition],
        }
        self._touch(there)

    def _touch(self, there: dict[str, Any]) -> None:
        self._version += 1
        there["metadata"]["resourceVersion"] = str(self._version)
        self._changed.notify_all()


def _merge(there: dict[str, Any], patch: dict[str, Any]) -> None:
    """Merge a patch as the API does: mappings by key, containers by name, null deletes."""
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if value is None:
            there.pop(key, None)
        elif isinstance(value, dict):
            _merge(there.setdefault(key, {}), value)
        elif key in {"containers", "initContainers"}:
            for one in value:
                named = [old for old in there[key] if old["name"] == one["name"]]
                _merge(named[0], one)
        else:
            there[key] = value


def _status(code: int, reason: str, message: str) -> dict[str, Any]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }


class _Handler(BaseHTTPRequestHandler):
    cluster: Cluster

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.cluster.requests.append(f"GET {parts.path}")
        if parts.path in _DISCOVERY:
            self._say(200, _DISCOVERY[parts.path])
        elif parts.path == _APPS:
            name = query["fieldSelector"].removeprefix("metadata.name=")
            self._watch(name, query["resourceVersion"]) if "watch" in query else self._list(
                "DeploymentList", "apps/v1", [self.cluster.read(name)]
            )
        elif parts.path.startswith(f"{_APPS}/"):
            found = self.cluster.read(parts.path.rpartition("/")[2])
            missing = _status(404, "NotFound", f'deployments "{parts.path}" not found')
            self._say(404 if found is None else 200, found or missing)
        elif parts.path == f"{_CORE}/pods":
            name = query["labelSelector"].removeprefix("app=")
            self._list("PodList", "v1", self.cluster.pods(name))
        elif parts.path.startswith(f"{_CORE}/pods/"):
            self._pod(parts.path.removeprefix(f"{_CORE}/pods/"))
        elif parts.path == f"{_CORE}/events":
            warning = {"type": "Warning", "reason": "BackOff", "message": "restarting container"}
            meta = {"name": "e", "namespace": "shop"}
            self._list("EventList", "v1", [{"metadata": meta, **warning, "involvedObject": {}}])
        else:
            self._say(404, _status(404, "NotFound", "the server could not find this"))

    def do_PATCH(self) -> None:
        self.cluster.requests.append(f"PATCH {self.path}")
        patch = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = urlsplit(self.path).path.rpartition("/")[2]
        self._say(*self.cluster.patch(name, patch))

    def _pod(self, rest: str) -> None:
        name, _, part = rest.partition("/")
        if part == "log":
            self._send(200, "text/plain", b"cannot open the database\n")
        else:
            self._say(200, self.cluster.pods(name.rpartition("-")[0])[0])

    def _list(self, kind: str, version: str, items: Sequence[dict[str, Any] | None]) -> None:
        shown = [item for item in items if item is not None]
        versions = [int(item["metadata"].get("resourceVersion", 1)) for item in shown]
        meta = {"resourceVersion": str(max(versions, default=1))}
        self._say(200, {"kind": kind, "apiVersion": version, "metadata": meta, "items": shown})

    def _watch(self, name: str, version: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                now = self.cluster.wait(name, version)
                if now["metadata"]["resourceVersion"] == version:
                    return  # the watch ends, as those of the real one do after a while
                version = now["metadata"]["resourceVersion"]
                self.wfile.write(json.dumps({"type": "MODIFIED", "object": now}).encode() + b"\n")
                self.wfile.flush()

    def _say(self, code: int, document: dict[str, Any]) -> None:
        self._send(code, "application/json", json.dumps(document).encode())

    def _send(self, code: int, kind: str, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        del format, args


@contextlib.contextmanager
def kubernetes_api(folder: Path) -> Iterator[Cluster]:
    """Serve an empty cluster until the end of the block; a kubeconfig for it is in the folder."""
    cluster = Cluster()
    handler = type("Handler", (_Handler,), {"cluster": cluster})
    listener = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    listener.daemon_threads = True
    listener.block_on_close = False
    url = f"http://127.0.0.1:{listener.server_address[1]}"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": url}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "users": [{"name": "test", "user": {}}],
    }
    cluster.kubeconfig = json.dumps(config)
    (folder / "kubeconfig").write_text(cluster.kubeconfig)
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield cluster
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()
