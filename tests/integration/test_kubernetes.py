"""Releases brought to a cluster by the real kubectl: all workloads are on it, or none."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from keelway.errors import DeployError, RollbackError
from keelway.kubernetes.annotations import HISTORY, with_entry
from keelway.kubernetes.deploying import deploy_kubernetes, read_kubernetes_history
from keelway.kubernetes.spec import KubernetesError, KubernetesSpec
from keelway.model.history import DeliveryEvent, DeliveryOutcome
from keelway.model.target_release import TargetOutcome, TargetRelease, earlier_release
from tests.support.gitops import release, run_with
from tests.support.kubernetes_api import Cluster, kubernetes_api
from tests.support.kubernetes_cluster import RealCluster, kubernetes_cluster
from tests.support.missing import need, need_optional

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BAD = "sha256:" + "e" * 64
OLD = "docker.io/shop/orders:1.0"
PROXY = "nginx:1.27"
SPEC = KubernetesSpec(
    target="web",
    project="shop",
    environment="production",
    namespace="shop",
    kubeconfig="env://KUBECONFIG_TEXT",
    timeout_s=20,
    workloads={"deployment/orders": {"app": "orders"}, "deployment/worker": {"main": "orders"}},
)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    need("kubectl", package="kubernetes-client")
    with kubernetes_api(tmp_path) as there:
        there.bad.add(BAD)
        there.add("orders", {"app": OLD, "proxy": PROXY})
        there.add("worker", {"main": OLD})
        yield there


@pytest.fixture(params=["light", "real"])
def any_cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster | RealCluster]:
    """The API as these tests have it, and the real one where it is built."""
    need("kubectl", package="kubernetes-client")
    there: Cluster | RealCluster
    with contextlib.ExitStack() as stack:
        if request.param == "real":
            program = need_optional("kubernetes-server")
            there = stack.enter_context(kubernetes_cluster(program, tmp_path))
        else:
            there = stack.enter_context(kubernetes_api(tmp_path))
        there.bad.add(BAD)
        there.add("orders", {"app": OLD, "proxy": PROXY})
        there.add("worker", {"main": OLD})
        yield there


async def deploy(
    there: Cluster | RealCluster, wanted: TargetRelease, spec: KubernetesSpec = SPEC
) -> TargetOutcome:
    with run_with(KUBECONFIG_TEXT=there.kubeconfig) as run:
        return await deploy_kubernetes(run, spec, wanted)


async def test_all_workloads_get_their_images_by_digest_and_are_waited_for(
    any_cluster: Cluster | RealCluster,
) -> None:
    cluster = any_cluster
    wanted = release("2.0", "a")
    done = await deploy(cluster, wanted)
    assert done.changed
    assert cluster.images("orders") == {"app": wanted.images["orders"], "proxy": PROXY}
    assert cluster.images("worker") == {"main": wanted.images["orders"]}
    assert (
        cluster.annotations("worker")["kubernetes.io/change-cause"] == "keelway: deploy 2.0 by kim"
    )
    again = await deploy(cluster, wanted)
    assert not again.changed


async def test_one_that_fails_takes_all_back_and_tells_why(
    any_cluster: Cluster | RealCluster,
) -> None:
    cluster = any_cluster
    await deploy(cluster, release("2.0", "a"))
    good = cluster.images("orders"), cluster.images("worker")
    with pytest.raises(DeployError, match="every workload is back") as caught:
        await deploy(cluster, release("3.0", "e"))
    assert (cluster.images("orders"), cluster.images("worker")) == good
    said = caught.value.diagnostics()
    assert "exceeded its progress deadline" in said
    assert "ImagePullBackOff: no such image" in said or all(
        words in said
        for words in (
            "CrashLoopBackOff: back-off 10s, it ended with exit code 3",
            "cannot open the database",
            "BackOff: restarting container",
        )
    )
    with run_with(KUBECONFIG_TEXT=cluster.kubeconfig) as run:
        history = await read_kubernetes_history(run, SPEC)
    assert [(one.version, one.outcome.value, one.replaced) for one in history] == [
        ("2.0", "succeeded", None),
        ("3.0", "rolled-back", "2.0"),
    ]


async def test_a_workload_that_the_cluster_refuses_takes_the_others_back(cluster: Cluster) -> None:
    spec = replace(
        SPEC,
        workloads={"deployment/orders": {"app": "orders"}, "deployment/worker": {"main": "other"}},
    )
    wanted = release("2.0", "a")
    other = wanted.images["orders"].replace("a" * 64, "f" * 64)
    cluster.refused.add("f" * 64)
    with pytest.raises(DeployError, match="is back") as caught:
        await deploy(cluster, replace(wanted, images={**wanted.images, "other": other}), spec)
    assert "admission webhook denied" in caught.value.diagnostics()
    assert cluster.images("orders")["app"] == OLD


async def test_going_back_that_fails_asks_for_a_person(cluster: Cluster) -> None:
    cluster.refused.add(OLD)
    with pytest.raises(RollbackError, match="admission webhook denied") as caught:
        await deploy(cluster, release("3.0", "e"))
    assert "kubectl rollout undo" in (caught.value.next_step or "")


async def test_the_version_before_is_brought_back_on_request(
    any_cluster: Cluster | RealCluster,
) -> None:
    cluster = any_cluster
    spec = replace(SPEC, workloads={"deployment/worker": {"main": "orders"}})
    first, second = release("1.1", "a"), release("1.2", "b")
    await deploy(cluster, first, spec)
    await deploy(cluster, second, spec)
    with run_with(KUBECONFIG_TEXT=cluster.kubeconfig) as run:
        earlier = earlier_release(await read_kubernetes_history(run, spec))
    assert earlier is not None
    back = replace(first, images=earlier.images, event=DeliveryEvent.ROLLBACK)
    await deploy(cluster, back, spec)
    assert cluster.images("worker") == {"main": first.images["orders"]}


async def test_two_deployments_at_once_are_one(cluster: Cluster) -> None:
    done = await deploy(cluster, release("2.0", "a"))
    begun = replace(done.entry, outcome=DeliveryOutcome.STARTED, version="2.1", run="another")
    cluster.patch(
        "worker", {"metadata": {"annotations": {HISTORY: with_entry((done.entry,), begun)}}}
    )
    before = cluster.annotations("orders")
    with pytest.raises(KubernetesError, match=r"kim deploys 2\.1 to deployment/worker right now"):
        await deploy(cluster, release("3.0", "b"))
    assert cluster.images("orders")["app"].endswith("a" * 64)
    assert cluster.annotations("orders")[HISTORY] == before[HISTORY]


@pytest.mark.parametrize(
    ("workloads", "message"),
    [
        ({"deployment/absent": {"app": "orders"}}, "reading deployment/absent failed"),
        ({"deployment/orders": {"absent": "orders"}}, "deployment/orders has no container absent"),
        ({"deployment/held": {"app": "orders"}}, "the rollout of deployment/held is paused"),
    ],
)
async def test_nothing_is_touched_when_the_cluster_has_not_what_is_named(
    cluster: Cluster, workloads: dict[str, dict[str, str]], message: str
) -> None:
    cluster.add("held", {"app": OLD}, paused=True)
    with pytest.raises(KubernetesError, match=message):
        await deploy(cluster, release("2.0", "a"), replace(SPEC, workloads=workloads))
    assert not [line for line in cluster.requests if line.startswith("PATCH")]


async def test_a_machine_without_kubectl_says_so(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(KubernetesError, match="kubectl is not installed") as caught:
        await deploy(cluster, release("2.0", "a"))
    assert "kubernetes.io" in (caught.value.next_step or "")
