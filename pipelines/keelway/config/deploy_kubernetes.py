"""[deploy.NAME] with kind = "kubernetes": workloads of a cluster that are told their images."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from keelway.config.section import Name, SecretSource, Section, Text

_KINDS = ("deployment", "statefulset", "daemonset")
_WORKLOAD = re.compile(rf"(?:{'|'.join(_KINDS)})/[a-z0-9](?:[a-z0-9.-]{{0,251}}[a-z0-9])?")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def _workload(value: str) -> str:
    if not _WORKLOAD.fullmatch(value):
        msg = f"{value!r} is no workload: {', '.join(f'{kind}/NAME' for kind in _KINDS)} are known"
        raise ValueError(msg)
    return value


def _label(value: str) -> str:
    if not _LABEL.fullmatch(value):
        msg = f"{value!r} is no name in Kubernetes: lower-case letters, digits and '-' are allowed"
        raise ValueError(msg)
    return value


Workload = Annotated[Text, AfterValidator(_workload)]
KubernetesName = Annotated[Text, AfterValidator(_label)]


class KubernetesTarget(Section):
    """Workloads of a cluster: each is told its new images, and its rollout is waited for."""

    kind: Literal["kubernetes"]
    """What the target is: `"kubernetes"` for workloads of a cluster."""
    environment: Name | None = None
    """What the target is in, a name under `[environments]`; history and notices tell it."""
    on_release: bool = False
    """Whether each release is deployed here, once it is published and signed."""
    require_verified: bool = True
    """Whether the images must verify, as `[verify]` and `[sign]` ask, before the cluster is
    touched.
    """
    kubeconfig: SecretSource | None = None
    """The kubeconfig; without one that of `kubectl` on this machine."""
    context: Text | None = None
    """The context in it; its current one without this."""
    namespace: KubernetesName = "default"
    """Where the workloads are."""
    workloads: Annotated[Mapping[Workload, Mapping[KubernetesName, Name]], Field(min_length=1)]
    """By workload, as `"deployment/orders"`: the image of each container, as in
    `{ "deployment/orders" = { app = "orders" } }`. Init containers are named alike.
    """
    timeout_s: Annotated[int, Field(ge=1, le=86_400)] = 300
    """Seconds that all workloads have to become ready, and once more to go back; a workload's own
    `progressDeadlineSeconds` may end it earlier.
    """
