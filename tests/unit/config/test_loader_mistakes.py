"""Mistakes in a configuration: each is named by its line and its key."""

from pathlib import Path

import pytest

from tests.unit.config.test_loader import MINIMAL, problems


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            'platfroms = ["linux/amd64"]',
            "keelway.toml:5: images.orders.platfroms: unknown key. Did you mean 'platforms'?",
        ),
        (
            "zzz = 1",
            (
                "keelway.toml:5: images.orders.zzz: unknown key. Known: bases, build_args, "
                "context, dockerfile, platforms, repository, secrets, tag_suffix, target"
            ),
        ),
        (
            "context = 5",
            "keelway.toml:5: images.orders.context: a string is expected, not a whole number",
        ),
        (
            "context = 2026-01-01",
            "keelway.toml:5: images.orders.context: a string is expected, not this",
        ),
        ('context = ""', "keelway.toml:5: images.orders.context: must not be empty"),
        ("platforms = []", "keelway.toml:5: images.orders.platforms: must not be empty"),
        (
            'platforms = "linux/amd64"',
            "keelway.toml:5: images.orders.platforms: an array is expected, not a string",
        ),
        (
            'platforms = [\n"linux/amd64",\n"amd64"]',
            (
                "keelway.toml:7: images.orders.platforms[1]: 'amd64' is no platform: "
                "write os/architecture, as in linux/amd64"
            ),
        ),
        (
            'platforms = ["linux/arm64", "linux/arm64/v8"]',
            "keelway.toml:5: images.orders.platforms: 'linux/arm64' is there 2 times",
        ),
        (
            'build_args = { "A B" = "x" }',
            (
                "keelway.toml:5: images.orders.build_args.\"A B\": 'A B' is no variable name: "
                "letters, digits and '_', not first a digit"
            ),
        ),
        (
            'bases = { X = "python" }',
            "keelway.toml:5: images.orders.bases.X: there is no [base.python]",
        ),
        (
            '[[images.orders.secrets]]\nid = "a"\nsource = "env:TOKEN"',
            (
                "keelway.toml:7: images.orders.secrets[0].source: 'env...' is no secret source: "
                "write env://NAME, file://PATH or cmd://COMMAND"
            ),
        ),
        (
            '[[images.orders.secrets]]\nid = "a"',
            (
                "keelway.toml:5: images.orders.secrets[0].source: this key is required, and it is "
                "missing"
            ),
        ),
        (
            '[tags]\nrules = ["type=sah"]',
            (
                "keelway.toml:6: tags.rules[0]: unknown type 'sah'. Did you mean 'sha'? "
                "Known: edge, match, pep440, raw, ref, schedule, semver, sha"
            ),
        ),
        (
            '[tags]\nrules = ["type=sha", "type=sha"]',
            "keelway.toml:6: tags.rules: 'type=sha' is there 2 times",
        ),
        (
            '[tags]\nlatest = "never"',
            "keelway.toml:6: tags.latest: 'never' is neither \"auto\", true nor false",
        ),
        (
            '[[registries]]\nurl = "https://ghcr.io/a"',
            (
                "keelway.toml:6: registries[0].url: 'https://ghcr.io/a' is an address: "
                "write it without https://"
            ),
        ),
        (
            '[[registries]]\nurl = "ghcr.io/a:v1"',
            (
                "keelway.toml:6: registries[0].url: 'ghcr.io/a:v1' has a bad tag: letters, digits, "
                "'_', '.' and '-' are allowed, at most 128"
            ),
        ),
        (
            '[[registries]]\nurl = "ghcr.io/a"\n[[registries]]\nurl = "ghcr.io/a/"',
            "keelway.toml:5: registries: 'ghcr.io/a' is there 2 times",
        ),
        (
            '[[registries]]\nurl = "ghcr.io/a"\nusername = "x"',
            (
                "keelway.toml:5: registries[0]: username and password go together: give both, or "
                "neither"
            ),
        ),
        (
            '[gate]\nseverity = "hihg"',
            (
                "keelway.toml:6: gate.severity: 'hihg' is not one of low, medium, high, critical, "
                "never. Did you mean 'high'?"
            ),
        ),
        (
            "[gate]\nseverity = 1",
            "keelway.toml:6: gate.severity: '1' is not one of low, medium, high, critical, never",
        ),
        (
            "[scan.images.order]\nscanners = []",
            "keelway.toml:5: scan.images.order: there is no [images.order]. Did you mean 'orders'?",
        ),
        (
            "[scan.images.orders]\nscanners = []",
            "keelway.toml:5: scan.images.orders: nobody is asked to look at it",
        ),
        (
            '[images.worker]\nrepository = "orders"',
            (
                "keelway.toml:5: images.worker: it has the repository and the tags of orders: "
                "give one a tag_suffix"
            ),
        ),
        ('[scan]\nenabled = "yes"', "keelway.toml:6: scan.enabled: true or false is expected"),
        (
            '[sbom]\nformats = ["spdx"]',
            (
                "keelway.toml:6: sbom.formats[0]: 'spdx' is not one of spdx-json, cyclonedx-json. "
                "Did you mean 'spdx-json'?"
            ),
        ),
        (
            '[tools.trivy]\nsource = "image"\nimage = "ghcr.io/a/trivy:1"',
            (
                "keelway.toml:5: tools.trivy: image 'ghcr.io/a/trivy:1' is not pinned: append "
                "@sha256:... so that it cannot change"
            ),
        ),
        (
            '[tools.trivy]\nsource = "image"',
            'keelway.toml:5: tools.trivy: source = "image" needs image = "name@sha256:..."',
        ),
        (
            '[tools.trivy]\nimage = "a@sha256:1"',
            'keelway.toml:5: tools.trivy: image is only used with source = "image"',
        ),
        (
            "[tools.trvy]",
            "keelway.toml:5: tools.trvy: unknown key. Did you mean 'trivy'?",
        ),
        (
            '[base.py]\nsuite = "bookworm"\npackages = []\nrepository = "localhost:5000/py"',
            "keelway.toml:7: base.py.packages: must not be empty",
        ),
    ],
)
def test_a_mistake_is_named_by_line_and_key(tmp_path: Path, written: str, said: str) -> None:
    found = problems(tmp_path, MINIMAL + written)
    assert len(found) == 1
    assert found[0].startswith(said)


def test_all_mistakes_are_named_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    text = '[project]\nnaem = "x"\n[images.Orders]\n[scan]\nenabled = 1\n'
    assert [problem.partition(": ")[0] for problem in problems(tmp_path, text)] == [
        "keelway.toml:1",
        "keelway.toml:2",
        "keelway.toml:3",
        "keelway.toml:5",
    ]
