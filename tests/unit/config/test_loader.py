"""Finding and reading the configuration; every mistake is named by file, line and key."""

from pathlib import Path

import pytest

from keelway.config import Loaded, load_config
from keelway.errors import ConfigError, PlanError

MINIMAL = """\
[project]
name = "shop"

[images.orders]
"""

FULL = """\
[project]
name = "shop"
licenses = "Apache-2.0"

[images.orders]
context = "services/orders"
dockerfile = "build/Dockerfile"
target = "runtime"
platforms = ["linux/amd64", "linux/arm64"]
build_args = { APP_VERSION = "1.4.0" }
bases = { PYTHON_BASE = "python" }
[[images.orders.secrets]]
id = "pip-token"
source = "file://token.txt"

[images.worker]

[tags]
rules = ["type=sha", "type=raw,value=demo"]
latest = false

[[registries]]
url = "localhost:5000/demo"
username = "ci"
password = "env://REGISTRY_PASSWORD"
[[registries]]
url = "ghcr.io/acme"

[scan]
scanners = ["secret", "misconfig"]
database = "none"

[gate]
severity = "critical"

[sbom]
formats = ["spdx-json"]

[tools.trivy]
source = "image"
image = "ghcr.io/aquasecurity/trivy@DIGEST"

[base.python]
suite = "bookworm"
packages = ["python3", "ca-certificates"]
repository = "localhost:5000/demo/base-python"

[report]
directory = "out"
""".replace("DIGEST", f"sha256:{'0' * 64}")


def load(directory: Path, text: str, name: str = "keelway.toml") -> Loaded:
    (directory / name).write_text(text)
    return load_config(directory)


def problems(directory: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(directory, text)
    return [str(problem) for problem in caught.value.problems]


def test_the_smallest_configuration_is_useful(tmp_path: Path) -> None:
    loaded = load(tmp_path, MINIMAL)
    image = loaded.config.images["orders"]
    assert image.dockerfile_path == "Dockerfile"
    assert image.platforms == ("linux/amd64", "linux/arm64")
    assert loaded.config.gate.severity == "high"
    assert loaded.config.registries == ()
    assert (loaded.root, loaded.pins) == (tmp_path, {})


def test_every_section_is_read(tmp_path: Path) -> None:
    loaded = load(tmp_path, FULL)
    config = loaded.config
    assert list(config.images) == ["orders", "worker"]
    assert config.images["orders"].build_args == {"APP_VERSION": "1.4.0"}
    assert config.images["orders"].secrets[0].source == "file://token.txt"
    assert config.tags.latest is False
    assert [registry.username for registry in config.registries] == ["ci", None]
    assert config.tools.trivy.source == "image"
    assert config.tools.syft.source == "host"
    assert config.base["python"].packages == ("python3", "ca-certificates")
    assert config.report.directory == "out"
    assert set(loaded.paths()) == {
        "services/orders",
        "services/orders/build/Dockerfile",
        "token.txt",
        ".",
        "Dockerfile",
    }


def test_pyproject_holds_the_same(tmp_path: Path) -> None:
    text = FULL.replace("[[", "[[tool.keelway.").replace("\n[", "\n[tool.keelway.")
    text = text.replace("[tool.keelway.[tool.keelway.", "[[tool.keelway.")
    text = text.replace("[project]", "[tool.keelway.project]", 1)
    inside = load(tmp_path, f'[project]\nname = "other"\n{text}', "pyproject.toml")
    (tmp_path / "own").mkdir()
    assert inside.config == load(tmp_path / "own", FULL).config


def test_pyproject_names_its_own_lines_and_keys(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"\n[tool.keelway.project]\nname = "x"\n[tool.keelway.image.x]\n'
    )
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)
    assert [str(problem) for problem in caught.value.problems] == [
        "pyproject.toml:3: tool.keelway.images: this key is required, and it is missing",
        "pyproject.toml:5: tool.keelway.image: unknown key. Did you mean 'images'?",
    ]


def test_a_base_must_be_made_for_the_platforms_of_its_image(tmp_path: Path) -> None:
    text = MINIMAL + (
        'bases = { B = "py" }\n[base.py]\nsuite = "bookworm"\npackages = ["python3"]\n'
        'repository = "localhost:5000/py"\nplatforms = ["linux/amd64"]\n'
    )
    assert problems(tmp_path, text) == [
        (
            "keelway.toml:5: images.orders.bases.B: [base.py] is not made for linux/arm64, "
            "which the image needs"
        )
    ]


def test_an_argument_has_one_source(tmp_path: Path) -> None:
    text = MINIMAL + (
        'build_args = { B = "x" }\nbases = { B = "py" }\n[base.py]\nsuite = "bookworm"\n'
        'packages = ["python3"]\nrepository = "localhost:5000/py"\n'
    )
    assert problems(tmp_path, text) == [
        (
            "keelway.toml:6: images.orders.bases.B: B is given by build_args too: "
            "a build argument has one value"
        )
    ]


def test_an_unknown_platform_is_a_matter_of_the_plan(tmp_path: Path) -> None:
    with pytest.raises(PlanError) as caught:
        load(tmp_path, MINIMAL + 'platforms = ["linux/amd46"]')
    assert caught.value.message == (
        "keelway.toml:5: images.orders.platforms[0]: unknown platform 'linux/amd46'"
    )
    assert "did you mean 'linux/amd64'?" in str(caught.value.next_step)


@pytest.mark.parametrize(
    ("text", "line"),
    [("[project\n", 1), ('[project]\nname = "x', 2), ("a = 1\na = 2\n", 2), ("\n\nx", 3)],
)
def test_text_that_is_no_toml(tmp_path: Path, text: str, line: int) -> None:
    [found] = problems(tmp_path, text)
    assert found.startswith(f"keelway.toml:{line}: not valid TOML: ")


def test_bytes_that_are_no_utf8(tmp_path: Path) -> None:
    (tmp_path / "keelway.toml").write_bytes(b'[project]\nname = "\xff"\n')
    with pytest.raises(ConfigError, match="not valid UTF-8 at byte 18"):
        load_config(tmp_path)


def test_it_is_found_from_below_but_not_beyond_the_repository(tmp_path: Path) -> None:
    load(tmp_path, MINIMAL)
    below = tmp_path / "services" / "orders"
    below.mkdir(parents=True)
    assert load_config(below).file == tmp_path / "keelway.toml"
    (tmp_path / "services" / ".git").mkdir()
    with pytest.raises(ConfigError, match="not found from"):
        load_config(below)


def test_it_can_be_named_as_a_file_or_a_directory(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(MINIMAL)
    assert load_config(Path("/"), tmp_path / "other.toml").root == tmp_path
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "keelway.toml").write_text(MINIMAL)
    assert load_config(Path("/"), tmp_path / "inner").file.parent.name == "inner"
    with pytest.raises(ConfigError, match="there is no such file"):
        load_config(tmp_path, tmp_path / "missing.toml")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="this directory holds no"):
        load_config(tmp_path, tmp_path / "empty")


def test_two_files_are_one_too_many(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.keelway.project]\nname = "x"\n')
    with pytest.raises(ConfigError, match="keep one of them"):
        load(tmp_path, MINIMAL)


def test_a_pyproject_of_others_is_passed_by(tmp_path: Path) -> None:
    (tmp_path / "keelway.toml").write_text(MINIMAL)
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_text('[project]\nname = "uses-keelway"\n')
    assert load_config(inner).root == tmp_path
    with pytest.raises(ConfigError, match=r"has no \[tool.keelway\] table"):
        load_config(inner, inner / "pyproject.toml")


def test_a_secret_written_where_its_source_belongs_is_not_repeated(tmp_path: Path) -> None:
    written = '[[images.orders.secrets]]\nid = "token"\nsource = "hunter2secretvalue"\n'
    (problem,) = problems(tmp_path, MINIMAL + written)
    assert "'hun...' is no secret source: write env://NAME" in problem


def test_what_to_do_next_needs_no_checkout_of_keelway(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as missing:
        load_config(tmp_path)
    with pytest.raises(ConfigError) as wrong:
        load(tmp_path, MINIMAL + "[scann]\n")
    for error in (missing.value, wrong.value):
        assert "`keelway schema` prints every key" in str(error.next_step)
        assert "docs/" not in str(error.next_step)
