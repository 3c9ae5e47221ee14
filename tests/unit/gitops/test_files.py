"""Digests in YAML files: what changes is what has to, and not one line more."""

from __future__ import annotations

import difflib
import json

import pytest

from keelway.gitops.files.helm_values import edit_values
from keelway.gitops.files.kustomization import edit_kustomization
from keelway.gitops.files.manifests import edit_manifests
from keelway.gitops.files.nodes import FileProblemError
from keelway.gitops.files.release_image import ReleaseImage, release_image

DIGEST = "sha256:" + "a" * 64
OLD = "sha256:" + "b" * 64
REPOSITORY = "registry.example.com/shop/orders"


def orders(name: str = "orders") -> ReleaseImage:
    return release_image(name, f"{REPOSITORY}@{DIGEST}", "1.2.3")


def changed_lines(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line for line in list(lines)[2:] if not line.startswith("@@")]


KUSTOMIZATION = """\
# Production.
apiVersion: kustomize.config.k8s.io/v1beta1
kind:   Kustomization   # odd spaces stay

resources: [ ../../base ]
images:
  # Ours: written by the pipeline.
  - name: orders  # the API
    newTag: "1.0.0"   # last good one

  - name: other
    digest: 'sha256:0000'

# The end.
patches: []
"""


def test_an_entry_keeps_its_comments_quotes_and_indentation() -> None:
    assert changed_lines(KUSTOMIZATION, edit_kustomization(KUSTOMIZATION, [orders()])) == [
        '-    newTag: "1.0.0"   # last good one',
        f"+    newName: {REPOSITORY}",
        '+    newTag: "1.2.3"   # last good one',
        f"+    digest: {DIGEST}",
    ]


def test_the_second_time_only_what_differs_changes() -> None:
    once = edit_kustomization(KUSTOMIZATION, [orders()])
    assert edit_kustomization(once, [orders()]) == once
    newer = release_image("orders", f"{REPOSITORY}@{OLD}", "1.2.3")
    assert changed_lines(once, edit_kustomization(once, [newer])) == [
        f"-    digest: {DIGEST}",
        f"+    digest: {OLD}",
    ]


@pytest.mark.parametrize(
    ("before", "added"),
    [
        ("resources: [a.yaml]\n", ["+images:", "+- "]),
        ("resources: [a.yaml]", ["+images:", "+- "]),
        ("images:\nresources: [a.yaml]\n", ["+- "]),
        ("images:\n  - name: other\n    newTag: x  # why\n\n# end\n", ["+  - "]),
    ],
    ids=["none", "none, and no newline at the end", "nothing in it", "others"],
)
def test_an_image_without_an_entry_gets_one(before: str, added: list[str]) -> None:
    lines = changed_lines(before, edit_kustomization(before, [orders()]))
    indent = added[-1][1:].replace("-", " ")
    assert lines == [
        *added[:-1],
        f"{added[-1]}digest: {DIGEST}",
        f"+{indent}name: orders",
        f"+{indent}newName: {REPOSITORY}",
    ]


def test_an_empty_list_becomes_one_with_the_entry() -> None:
    assert edit_kustomization("images: []\n", [orders()]).startswith("images:\n- digest: ")


def test_braces_and_json_keep_their_form() -> None:
    braces = "images: [{name: orders, newTag: v1}]  # all\n"
    assert edit_kustomization(braces, [orders()]) == (
        f"images: [{{name: orders, newName: {REPOSITORY}, newTag: 1.2.3, digest: {DIGEST}}}]"
        "  # all\n"
    )
    written = edit_kustomization('{"images": [{"name": "orders", "newTag": "v1"}]}', [orders()])
    assert json.loads(written)["images"] == [
        {"name": "orders", "newName": REPOSITORY, "newTag": "1.2.3", "digest": DIGEST}
    ]
    for before in ('{"images": []}', '{"images": [{"name": "other"}]}'):
        written = edit_kustomization(before, [orders()])
        assert json.loads(written)["images"][-1] == {
            "digest": DIGEST,
            "name": "orders",
            "newName": REPOSITORY,
        }


def test_ends_of_lines_stay_as_they_are() -> None:
    before = "images:\r\n- name: orders\r\n  newTag: v1\r\n"
    after = edit_kustomization(before, [orders()])
    assert after.count("\r\n") == after.count("\n") == before.count("\n") + 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("images: {orders: 1}\n", "images has to be a list"),
        ("a: 1\n---\nb: 2\n", "line 3: a kustomization is one document"),
        ("a: [1\n", "it is not YAML"),
        ("images:\n- name: orders\n  newTag: a\n  newTag: b\n", "line 4: newTag is there twice"),
        ("images:\n- name: orders\n  digest: |\n    x\n", "line 3: write the value on one line"),
    ],
)
def test_what_is_no_kustomization_is_named(text: str, message: str) -> None:
    with pytest.raises(FileProblemError, match=message):
        edit_kustomization(text, [orders()])


VALUES = """\
# Default values.
replicas: 2
orders:
  image: "registry.example.com/shop/orders:1.0.0"  # set by the pipeline
worker:
    image:
        registry: docker.io   # where from
        repository: 'shop/orders'
        tag: 1.0.0
        digest:               # none yet
plain: &shared
  repository: shop/orders
  tag: ""   # the chart's version
lists:
- image: shop/orders
"a.b": {image: shop/orders}
"""


def test_values_that_are_a_reference() -> None:
    assert changed_lines(VALUES, edit_values(VALUES, [orders("orders.image")])) == [
        '-  image: "registry.example.com/shop/orders:1.0.0"  # set by the pipeline',
        f'+  image: "{REPOSITORY}:1.2.3@{DIGEST}"  # set by the pipeline',
    ]


def test_values_with_fields_for_each_part() -> None:
    assert changed_lines(VALUES, edit_values(VALUES, [orders("worker.image")])) == [
        "-        registry: docker.io   # where from",
        "+        registry: registry.example.com   # where from",
        "-        tag: 1.0.0",
        "-        digest:               # none yet",
        "+        tag: 1.2.3",
        f"+        digest: {DIGEST}               # none yet",
    ]


def test_values_without_a_digest_have_it_behind_the_tag() -> None:
    assert changed_lines(VALUES, edit_values(VALUES, [orders("plain")])) == [
        "-  repository: shop/orders",
        '-  tag: ""   # the chart\'s version',
        f"+  repository: {REPOSITORY}",
        f'+  tag: "1.2.3@{DIGEST}"   # the chart\'s version',
    ]


def test_paths_through_lists_and_keys_with_dots() -> None:
    assert changed_lines(VALUES, edit_values(VALUES, [orders("lists.0.image")])) == [
        "-- image: shop/orders",
        f"+- image: {REPOSITORY}@{DIGEST}",
    ]
    assert changed_lines(VALUES, edit_values(VALUES, [orders(r"a\.b.image")])) == [
        '-"a.b": {image: shop/orders}',
        f'+"a.b": {{image: {REPOSITORY}@{DIGEST}}}',
    ]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("orders.picture", "line 4: orders has no 'picture'"),
        ("orders", "orders has no repository with a digest or a tag"),
        ("lists", "lists is a list"),
        ("lists.1", "lists has no '1'"),
    ],
)
def test_a_path_that_leads_nowhere_is_named(path: str, message: str) -> None:
    with pytest.raises(FileProblemError, match=message):
        edit_values(VALUES, [orders(path)])


MANIFESTS = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, annotations: {image: shop/orders}}
spec:
  template:
    spec:
      initContainers:
      - {name: migrate, image: "shop/orders:1.0"}
      containers:
      - name: app
        image: shop/orders:1.0   # ours
      - name: proxy
        image: nginx:1.27
---
# Nightly.
apiVersion: batch/v1
kind: CronJob
spec:
  jobTemplate:
    spec:
      template:
        spec:
          containers:
            - image: &image docker.io/shop/orders@OLD
              name: report
            - image: *image
              name: again
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
spec: {template: {spec: {containers: [{name: a, image: shop/orders-worker:1}]}}}
---
# No object of Kubernetes.
containers:
- image: shop/orders:1.0
""".replace("OLD", OLD)


def test_every_container_of_the_image_and_no_other() -> None:
    after, found = edit_manifests(MANIFESTS, [orders("shop/orders")])
    assert found == {"shop/orders"}
    old = f"docker.io/shop/orders@{OLD}"
    assert changed_lines(MANIFESTS, after) == [
        '-      - {name: migrate, image: "shop/orders:1.0"}',
        f'+      - {{name: migrate, image: "{REPOSITORY}:1.2.3@{DIGEST}"}}',
        "-        image: shop/orders:1.0   # ours",
        f"+        image: {REPOSITORY}:1.2.3@{DIGEST}   # ours",
        f"-            - image: &image {old}",
        f"+            - image: &image {REPOSITORY}@{DIGEST}",
    ]


def test_manifests_are_found_again_by_the_repository_that_was_written() -> None:
    once, _ = edit_manifests(MANIFESTS, [orders("shop/orders")])
    assert edit_manifests(once, [orders("shop/orders")])[0] == once


def test_a_version_that_no_tag_can_be_is_made_one() -> None:
    assert release_image("a", f"{REPOSITORY}@{DIGEST}", "1.0+build 7").tag == "1.0-build-7"
    assert release_image("a", f"{REPOSITORY}:v1@{DIGEST}", "1.0").tag == "v1"
