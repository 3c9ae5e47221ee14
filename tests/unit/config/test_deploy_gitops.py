"""Targets that are repositories or clusters: what is written about them, and what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keelway.config.deploy_gitops import GitOpsTarget
from keelway.config.deploy_kubernetes import KubernetesTarget
from keelway.errors import PlanError
from keelway.facts import Facts
from keelway.gitops.planned import host_and_path, plan_gitops
from keelway.gitops.spec import GitOpsSpec
from keelway.kubernetes.spec import KubernetesSpec, plan_kubernetes
from tests.unit.config.test_loader import MINIMAL, load, problems

if TYPE_CHECKING:
    from pathlib import Path

    from keelway.model.outcome import Skipped

GITOPS = f"""{MINIMAL}
[deploy.web]
kind = "gitops"
format = "kustomize"
path = "overlays/production"
"""
SIGNING = """repository = "x"
[deploy.web.signing]
format = "ssh"
key = "env://K"
passphrase = "env://P"
"""
CLUSTER = f"""{MINIMAL}
[deploy.web]
kind = "kubernetes"
"""


def planned(text: str, facts: Facts, folder: Path) -> GitOpsSpec | KubernetesSpec | Skipped:
    target = load(folder, text).config.deploy["web"]
    if isinstance(target, GitOpsTarget):
        return plan_gitops(target, facts, name="web", project="shop")
    assert isinstance(target, KubernetesTarget)
    return plan_kubernetes(target, facts, name="web", project="shop")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('repository = "https://bot:hunter2@example.com/x"', "a password does not belong"),
        ('repository = "ext::sh -c x"', "an address by https, ssh or file"),
        ('repository = "--upload-pack=x"', "an address by https, ssh or file"),
        ('repository = "x"\nbranch = "a..b"', "is no name for a branch"),
        ('repository = "x"\nmessage = "{verison}"', "{verison} is not known: there are project"),
        ('repository = "x"\nauthor = "bot"', "a name and an address are expected"),
        (
            'repository = "x"\n[deploy.web.pull_request]\nprovider = "github"\ntoken = "env://T"',
            'a pull request needs mode = "branch"',
        ),
        (
            'repository = "x"\n[deploy.web.login]\ntoken = "env://T"\nssh_key = "env://K"',
            "give one of them",
        ),
        (
            SIGNING,
            "only a key of gpg may have a passphrase",
        ),
    ],
)
def test_a_mistake_about_a_repository_is_named(tmp_path: Path, line: str, said: str) -> None:
    found = problems(tmp_path, f"{GITOPS}{line}\n")
    assert said in "\n".join(found)
    assert "hunter2" not in "\n".join(found)


@pytest.mark.parametrize("path", ["/etc", "../x", "a/../../b", ".git/hooks"])
def test_a_path_stays_in_the_repository(tmp_path: Path, path: str) -> None:
    text = GITOPS.replace("overlays/production", path)
    (said,) = problems(tmp_path, f'{text}repository = "x"\n')
    assert "a path inside of the repository is expected" in said


def test_helm_values_need_to_know_where_images_stand(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, f'{GITOPS.replace("kustomize", "helm")}repository = "x"\n')
    assert "Helm values need images" in said


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('workloads = { "pod/x" = { app = "orders" } }', "'pod/x' is no workload"),
        ('workloads = { "deployment/x" = { "A b" = "orders" } }', "is no name in Kubernetes"),
        ('namespace = "--all"\nworkloads = { "deployment/x" = { a = "b" } }', "is no name in"),
    ],
)
def test_a_mistake_about_a_cluster_is_named(tmp_path: Path, lines: str, said: str) -> None:
    assert said in "\n".join(problems(tmp_path, f"{CLUSTER}{lines}\n"))


def test_a_path_is_an_address_of_this_machine_and_others_stay(tmp_path: Path) -> None:
    for written, url in {
        "../deploy.git": (tmp_path.parent / "deploy.git").as_uri(),
        "git@example.com:shop/deploy.git": "git@example.com:shop/deploy.git",
        "https://example.com/deploy.git": "https://example.com/deploy.git",
    }.items():
        facts = Facts(root=tmp_path)
        spec = planned(f'{GITOPS}repository = "{written}"\n', facts, tmp_path)
        assert isinstance(spec, GitOpsSpec)
        assert spec.url == url


PULL_REQUEST = """repository = "REPOSITORY"
mode = "branch"
[deploy.web.pull_request]
provider = "PROVIDER"
token = "env://T"
"""


@pytest.mark.parametrize(
    ("repository", "provider", "api"),
    [
        ("git@github.com:shop/deploy.git", "github", "https://api.github.com"),
        ("https://git.example.com/shop/deploy.git", "github", "https://git.example.com/api/v3"),
        ("ssh://git@git.example.com:22/shop/deploy", "gitlab", "https://git.example.com/api/v4"),
    ],
)
def test_where_a_pull_request_belongs_follows_from_the_address(
    tmp_path: Path, repository: str, provider: str, api: str
) -> None:
    text = PULL_REQUEST.replace("REPOSITORY", repository).replace("PROVIDER", provider)
    facts = Facts(root=tmp_path, variables=frozenset({"T"}))
    spec = planned(GITOPS + text, facts, tmp_path)
    assert isinstance(spec, GitOpsSpec)
    assert spec.pull_request is not None
    assert (spec.pull_request.api, spec.pull_request.repository) == (api, "shop/deploy")


def test_a_pull_request_for_a_path_needs_more(tmp_path: Path) -> None:
    text = PULL_REQUEST.replace("REPOSITORY", "../deploy").replace("PROVIDER", "github")
    with pytest.raises(PlanError, match="where its pull request belongs cannot be read"):
        planned(GITOPS + text, Facts(variables=frozenset({"T"})), tmp_path)
    assert host_and_path("/srv/deploy.git") == ("", "")


def test_a_missing_token_is_found_while_planning(tmp_path: Path) -> None:
    text = f'{GITOPS}repository = "https://h/x"\n[deploy.web.login]\ntoken = "env://ABSENT"\n'
    with pytest.raises(PlanError, match="the environment variable ABSENT is not set"):
        planned(text, Facts(), tmp_path)
