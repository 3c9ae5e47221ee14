"""What every generated pipeline promises, whatever CI it is for."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from keelway.ci_templates import pins
from keelway.ci_templates.catalog import TEMPLATES, choose
from keelway.errors import ConfigError
from keelway.facts.ci import PROVIDERS
from tests.support.ci_scripts import parse_groovy, scripts
from tests.support.pipelines import ASSEMBLED, EVERY_CI, FULL, PLAIN, files

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
SECRETS = ("REGISTRY_TOKEN", "OTHER_TOKEN", "SIGSTORE_ID_TOKEN", "id-token")


def read(path: str, text: str = FULL) -> Any:
    """Return a generated file as data; the last document of it."""
    return list(yaml.safe_load_all(files(text)[path]))[-1]


@pytest.mark.parametrize("text", [PLAIN, FULL, ASSEMBLED], ids=["plain", "full", "assembled"])
@pytest.mark.parametrize("name", EVERY_CI)
def test_every_script_is_one(name: str, text: str) -> None:
    found = [script for path, one in files(text, name).items() for script in scripts(path, one)]
    assert len(found) >= 2
    for script in found:
        for shell in ("bash", "sh"):
            if shell == "sh" and "<<<" in script:  # It says that it is for bash.
                continue
            done = subprocess.run(
                [shell, "-n"], input=script, text=True, capture_output=True, check=False
            )
            assert done.returncode == 0, f"{done.stderr}\n{script}"


@pytest.mark.parametrize("name", EVERY_CI)
def test_every_ci_is_one_that_keelway_knows_when_it_runs_there(name: str) -> None:
    assert name in {provider.name for provider in PROVIDERS}


@pytest.mark.parametrize("name", EVERY_CI)
def test_the_same_command_lines_everywhere(name: str) -> None:
    text = "".join(files(FULL, name).values())
    for words in ("release --no-publish", "release", "base --refresh"):
        assert re.search(rf"\b{words}(?! --no)\b", text), words


def parts_for_pull_requests(path: str, found: Any) -> Iterator[Any]:
    """Yield what runs for a pull request."""
    match path:
        case ".github/workflows/keelway.yml":
            yield found["jobs"]["verify"]
        case "templates/keelway.yml":
            yield {**found[".keelway"], **found["keelway-verify"]}
        case ".circleci/config.yml":
            yield found["jobs"]["verify"]
            yield found["workflows"]["verify"]
        case "azure-pipelines.yml":
            yield next(job for job in found["jobs"] if job["job"] == "verify")
        case "bitbucket-pipelines.yml":
            yield found["pipelines"]["pull-requests"]
        case ".buildkite/pipeline.yml":
            yield next(step for step in found["steps"] if step["label"] == "verify")
        case _:
            yield next(step for step in found["steps"] if step["name"] == "verify")


@pytest.mark.parametrize(
    "path",
    [
        ".github/workflows/keelway.yml",
        "templates/keelway.yml",
        ".circleci/config.yml",
        "azure-pipelines.yml",
        "bitbucket-pipelines.yml",
        ".buildkite/pipeline.yml",
        ".woodpecker/keelway.yaml",
        ".drone.yml",
    ],
)
def test_a_pull_request_sees_nothing_that_publishes_or_signs(path: str) -> None:
    for part in parts_for_pull_requests(path, read(path)):
        text = yaml.safe_dump(part)
        assert "verify" in text or "--no-publish" in text
        for secret in SECRETS:
            assert secret not in text


def test_on_jenkins_a_fork_is_given_no_credential_at_all() -> None:
    text = files(FULL, "jenkins")["Jenkinsfile"]
    verify = text.partition("stage('verify')")[2].partition("stage('release')")[0]
    assert "credentials: env.CHANGE_FORK ? [] : ['PIP_TOKEN']" in verify
    for secret in SECRETS:
        assert secret not in verify


def test_github_gives_each_job_what_it_needs_and_no_more() -> None:
    workflow = read(".github/workflows/keelway.yml")
    assert workflow["permissions"] == {}
    jobs = workflow["jobs"]
    assert jobs["verify"]["permissions"] == {"contents": "read", "security-events": "write"}
    assert jobs["native"]["permissions"] == {"contents": "read"}
    assert jobs["release"]["permissions"] == {
        "contents": "read",
        "security-events": "write",
        "packages": "write",
        "id-token": "write",
    }
    plain = read(".github/workflows/keelway.yml", PLAIN)["jobs"]["release"]["permissions"]
    assert plain == {"contents": "read", "security-events": "write"}


def test_github_runs_when_it_should() -> None:
    on = read(".github/workflows/keelway.yml")[True]  # "on", to YAML 1.1
    assert on["push"] == {"branches": ["main", "release/*"], "tags": ["v*", "shop/v*"]}
    assert on["pull_request"] is None
    assert [one["cron"] for one in on["schedule"]] == ["0 2 * * *", "30 4 * * 1"]
    assert "schedule" not in read(".github/workflows/keelway.yml", PLAIN)[True]


def test_each_platform_is_proved_on_a_machine_of_its_own() -> None:
    native = read(".github/workflows/keelway.yml")["jobs"]["native"]
    machines = {(one["platform"], one["runner"]) for one in native["strategy"]["matrix"]["include"]}
    assert machines == {("linux/amd64", "ubuntu-24.04"), ("linux/arm64", "arm-machines")}
    gitlab = read("templates/keelway.yml")["keelway-native"]["parallel"]["matrix"]
    assert {one["RUNNER"] for one in gitlab} == {"saas-linux-small-amd64", "arm-machines"}


def test_a_release_out_of_proofs_gives_each_proof_a_digest_of_its_own() -> None:
    jobs = read(".github/workflows/keelway.yml", ASSEMBLED)["jobs"]
    assert jobs["release"]["needs"] == ["prove-linux-amd64", "prove-linux-arm64"]
    command = jobs["release"]["with"]["command"]
    for name in jobs["release"]["needs"]:
        assert f"--proof ${{{{ needs.{name}.outputs.proof }}}}" in command
        assert jobs[name]["permissions"] == {"contents": "read"}
        assert set(jobs[name]["secrets"]) == {"PIP_TOKEN"}
    assert jobs["prove-linux-arm64"]["with"]["runner"] == "arm-machines"

    gitlab = read("templates/keelway.yml", ASSEMBLED)
    told = [one["PROOF"] for one in gitlab["keelway-native"]["parallel"]["matrix"]]
    assert told == ["KEELWAY_PROOF_LINUX_AMD64", "KEELWAY_PROOF_LINUX_ARM64"]
    assert gitlab["keelway-native"]["artifacts"]["reports"]["dotenv"] == ".keelway/proof/job.env"
    head, _ = yaml.safe_load_all(files(ASSEMBLED)["templates/keelway.yml"])
    command = head["spec"]["inputs"]["release-command"]["default"]
    assert command == f'keelway assemble .keelway --proof "${told[0]}" --proof "${told[1]}"'

    jenkins = files(ASSEMBLED)["Jenkinsfile"]
    assert "proofs['linux/arm64'] = load('vars/keelway.groovy').call(" in jenkins
    assert "stashes: ['prove-linux-amd64', 'prove-linux-arm64'])" in jenkins
    for text in (jenkins, files(ASSEMBLED)["vars/keelway.groovy"]):
        parse_groovy(text)


def test_a_pattern_of_branches_is_one_on_gitlab_too() -> None:
    rules = [one["if"] for one in read("templates/keelway.yml")["keelway-release"]["rules"][1:]]
    assert '$CI_COMMIT_BRANCH == "main"' in rules
    assert r"$CI_COMMIT_BRANCH =~ /^release\/.*$/" in rules


def test_layers_are_kept_between_jobs_but_not_for_what_is_published() -> None:
    run = read(".github/workflows/keelway-run.yml")["jobs"]["run"]["steps"][1]
    assert run["with"]["cache"] == "${{ !inputs.deliver }}"
    steps = read(".github/workflows/keelway-run.yml", ASSEMBLED)["jobs"]["run"]["steps"]
    (cache,) = (one["with"]["cache"] for one in steps if "cache" in one.get("with", {}))
    assert cache == "${{ github.event_name == 'pull_request' }}", "what is proved is published"
    for path in (
        ".github/actions/keelway/action.yml",
        "templates/keelway.yml",
        ".circleci/config.yml",
        "azure-pipelines.yml",
        "bitbucket-pipelines.yml",
    ):
        text = files(FULL)[path]
        place = '"$PWD/.cache/keelway-engine"'
        assert f"export KEELWAY_CACHE_FROM={place} KEELWAY_CACHE_TO={place}" in text


def test_circleci_restores_and_saves_layers_of_jobs_that_publish_nothing() -> None:
    steps = read(".circleci/config.yml")["commands"]["keelway"]["steps"]
    guarded = [one["unless"] for one in steps if "unless" in one]
    assert [one["condition"] for one in guarded] == ["<< parameters.deliver >>"] * 2
    restored, saved = (one["steps"][0] for one in guarded)
    keys = restored["restore_cache"]["keys"]
    assert keys[0] == saved["save_cache"]["key"]
    # The job of this commit, then of any, then any job on such a machine.
    assert [keys[0].startswith(key) for key in keys] == [True, True, True]
    assert ".cache/keelway-engine" in saved["save_cache"]["paths"]
    places = [number for number, one in enumerate(steps) if "unless" in one]
    runs = [one["run"]["name"] for one in steps[places[0] : places[1]] if "run" in one]
    assert "Run keelway" in runs, "restored before it, saved behind it"


def test_azure_keeps_layers_of_every_job_but_that_of_the_bases() -> None:
    jobs = {job["job"]: job["steps"] for job in read("azure-pipelines.yml")["jobs"]}
    cached = {
        name: [step["inputs"] for step in steps if step.get("task") == "Cache@2"]
        for name, steps in jobs.items()
    }
    assert cached.pop("bases") == []
    for (inputs,) in cached.values():
        assert inputs["path"] == ".cache"
        for prefix in inputs["restoreKeys"].splitlines():
            assert inputs["key"].startswith(f"{prefix} | ")


def test_bitbucket_keeps_layers_of_pull_requests_alone() -> None:
    found = read("bitbucket-pipelines.yml")
    assert found["definitions"]["caches"] == {"keelway": ".cache/keelway-engine"}
    (verify,) = found["pipelines"]["pull-requests"]["**"]
    assert "keelway" in verify["step"]["caches"]
    (release,) = found["pipelines"]["branches"]["main"]
    assert "caches" not in release["step"]
    assert "KEELWAY_CACHE" not in "".join(release["step"]["script"])


SIGNED = FULL + '\n[cache]\nkey = "env://CACHE_KEY"\n'


def test_what_publishes_reads_caches_where_it_has_the_key_that_signs_them() -> None:
    run = read(".github/workflows/keelway-run.yml", SIGNED)["jobs"]["run"]["steps"][1]
    assert run["with"]["cache"] == "true"
    assert run["env"]["CACHE_KEY"] == "${{ inputs.deliver && secrets.CACHE_KEY || '' }}"
    steps = read(".circleci/config.yml", SIGNED)["commands"]["keelway"]["steps"]
    assert {"restore_cache", "save_cache"} <= {
        key for one in steps for key in one if one != "checkout"
    }
    (release,) = read("bitbucket-pipelines.yml", SIGNED)["pipelines"]["branches"]["main"]
    assert "keelway" in release["step"]["caches"]
    for path in (".circleci/config.yml", "azure-pipelines.yml", ".buildkite/pipeline.yml"):
        for part in parts_for_pull_requests(path, read(path, SIGNED)):
            assert "CACHE_KEY" not in yaml.safe_dump(part)


@pytest.mark.parametrize("path", [".woodpecker/keelway.yaml", ".drone.yml"])
def test_a_ci_without_a_cache_says_so(path: str) -> None:
    assert "# This CI has no cache of its own" in files(FULL)[path]


def test_every_action_is_pinned_by_a_commit_with_its_version_beside() -> None:
    known = [one for one in vars(pins).values() if isinstance(one, pins.Action)]
    for action in known:
        assert re.fullmatch(r"[0-9a-f]{40}", action.commit)
        assert re.fullmatch(r"v\d+\.\d+\.\d+", action.version)
    used = re.findall(r"uses: ([^.\s]\S*)(.*)", "".join(files(ASSEMBLED, "github").values()))
    assert {name for name, _ in used} == {str(action.pinned) for action in known}
    assert all(re.fullmatch(r" # v[\d.]+", version) for _, version in used)


def test_the_versions_of_go_programs_are_those_that_keelway_is_tested_with() -> None:
    tested = (ROOT / "scripts" / "go-tools").read_text()
    text = files(FULL, "gitlab")["templates/keelway.yml"]
    built = re.findall(r"go install -trimpath (\S+)", text)
    assert len(built) == 2
    for module in built:
        assert f"|{module}|" in tested


def test_nightly_releases_on_jenkins_are_at_the_same_hour_of_utc() -> None:
    text = files(PLAIN.replace('"off"', '"0 2 * * *"'), "jenkins")["Jenkinsfile"]
    assert r"cron(env.BRANCH_IS_PRIMARY == 'true' ? 'TZ=Etc/UTC\n0 2 * * *' : '')" in text
    assert "triggers" not in files(PLAIN, "jenkins")["Jenkinsfile"]


@pytest.mark.parametrize("text", [PLAIN, FULL, ASSEMBLED], ids=["plain", "full", "assembled"])
@pytest.mark.parametrize("path", ["Jenkinsfile", "vars/keelway.groovy"])
def test_groovy_parses(path: str, text: str) -> None:
    good = files(text, "jenkins")[path]
    parse_groovy(good)
    before, _, after = good.rpartition("}")
    with pytest.raises(SyntaxError):
        parse_groovy(before + after)


def test_the_ci_in_use_is_taken_with_what_renews_versions() -> None:
    assert [one.name for one in choose([], [".gitlab-ci.yml"])] == ["gitlab", "renovate"]
    assert [one.name for one in choose([], [".github/workflows"])] == ["github", "dependabot"]
    assert [one.name for one in choose(["GitHub", "github"], [])] == ["github", "dependabot"]
    assert [one.name for one in choose(["jenkins", "dependabot"], [])] == ["jenkins", "dependabot"]


def test_which_ci_must_be_told_where_it_can_not_be_seen() -> None:
    with pytest.raises(ConfigError, match="this repository shows none"):
        choose([], [])
    with pytest.raises(ConfigError, match=r"\.gitlab-ci\.yml \(GitLab CI/CD\) and Jenkinsfile"):
        choose([], [".gitlab-ci.yml", "Jenkinsfile"])
    with pytest.raises(ConfigError, match="Did you mean 'gitlab'") as caught:
        choose(["gitlb"], [])
    assert "github, gitlab, jenkins" in str(caught.value.next_step)


def test_the_help_names_every_ci() -> None:
    page = (ROOT / "docs" / "reference" / "cli.md").read_text()
    told = page.partition("## `keelway init ci`")[2].partition("## ")[0]
    for name in (*EVERY_CI, "dependabot", "renovate"):
        assert name in told


def test_no_two_cis_write_the_same_file() -> None:
    paths = [path for template in TEMPLATES for path in files(FULL, template.name)]
    assert len(paths) == len(set(paths))
