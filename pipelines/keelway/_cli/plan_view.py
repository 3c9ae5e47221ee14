"""A plan as data, and as text made from the same data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from keelway._cli import output
from keelway._cli.changes_view import changes_data, changes_rows
from keelway._cli.plan_deploy import deploy_lines, deploy_part
from keelway._cli.plan_engines import engine_lines, engines_part
from keelway._cli.plan_tests import integration_part, load_part
from keelway._cli.prepare import prepare
from keelway.model.outcome import Skipped
from keelway.model.secret_source import shown_source
from keelway.model.signer import KeySigner
from keelway.model.tool import describe
from keelway.policy.rules import RULES
from keelway.stages.scan import DatabaseDirectory, DownloadedDatabase, ScanSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from keelway.config import Loaded
    from keelway.facts import Facts
    from keelway.planning import Plan
    from keelway.stages.build import ImageSpec

PLAN_SCHEMA = "keelway.plan/1"
_INDENT = 2
_COLUMN = 14


def show_plan(config: Path | None, *, changed_since: str | None = None, as_json: bool) -> None:
    """Print the plan.

    Args:
        config: What `--config` named, if anything.
        changed_since: Plan only images with inputs that changed since this commit.
        as_json: Whether the data is printed.
    """
    prepared = prepare(config, changed_since=changed_since)
    data = plan_data(prepared.loaded, prepared.facts, prepared.plan)
    output.result(json.dumps(data, indent=2, ensure_ascii=False) if as_json else plan_text(data))


def plan_data(loaded: Loaded, facts: Facts, plan: Plan) -> dict[str, Any]:
    """Return the plan as plain data: what `keelway plan --json` prints."""
    return {
        "schema": PLAN_SCHEMA,
        "project": plan.project,
        "config": loaded.file.name,
        "commit": _commit(facts),
        "no_commit": facts.no_commit_reason if facts.commit is None else None,
        "ci": None if facts.job is None else facts.job.title,
        "notes": list(facts.notes),
        "changes": changes_data(plan.changes),
        "epoch": {"seconds": facts.epoch, "source": facts.epoch_source},
        "images": [_image(image, loaded, plan) for image in plan.verify.build.images],
        "engines": engines_part(loaded.config, plan),
        "policy": _policy(plan),
        "scan": _scan(plan),
        "sbom": _sbom(plan),
        "integration": integration_part(plan),
        "load": load_part(plan),
        "gate": {"refuses": plan.verify.gate.rule()},
        "publish": _publish(plan),
        "sign": _sign(plan),
        "attest": _attest(plan),
        "deploy": deploy_part(plan),
        "skipped": [{"part": part.part, "reason": part.reason} for part in plan.skipped()],
    }


def plan_text(data: Mapping[str, Any]) -> str:
    """Return the plan for people."""
    return "\n".join(_lines(data))


def _commit(facts: Facts) -> dict[str, Any] | None:
    commit = facts.commit
    if commit is None:
        return None
    return {
        "sha": commit.sha,
        "branch": commit.branch,
        "tag": commit.tag,
        "dirty": commit.dirty,
    }


def _image(image: ImageSpec, loaded: Loaded, plan: Plan) -> dict[str, Any]:
    written = loaded.config.images[image.name]
    arguments = {key: value for key, value in image.build_args.items() if key not in written.bases}
    return {
        "name": image.name,
        "context": written.context,
        "dockerfile": image.dockerfile,
        "target": image.target,
        "platforms": list(image.platforms),
        "build_args": arguments,
        "bases": {name: image.build_args[name] for name in written.bases},
        "secrets": {secret.id: shown_source(secret.source) for secret in written.secrets},
        "labels": dict(image.labels),
        "references": _references(image.name, plan),
    }


def _references(image: str, plan: Plan) -> list[str]:
    """Return every name that the image will have, registry by registry."""
    if isinstance(plan.deliver, Skipped):
        return []
    publish = plan.deliver.publish
    return [
        publish.name_of(image).reference(registry.url, tag)
        for registry in publish.registries
        for tag in publish.tags
    ]


def _policy(plan: Plan) -> dict[str, Any] | None:
    policy = plan.verify.policy
    if isinstance(policy, Skipped):
        return None
    levels = {rule: policy.levels.get(rule, known.level) for rule, known in RULES.items()}
    return {
        "rules": {
            level: [rule for rule, its in levels.items() if its == level]
            for level in ("error", "warn", "off")
        }
    }


def _scan(plan: Plan) -> dict[str, Any] | None:
    scan = plan.verify.scan
    if isinstance(scan, Skipped):
        return None
    return {
        "tool": "trivy",
        "source": describe(scan.tool),
        "scanners": list(scan.scanners),
        "second_opinion": [one.name for one in scan.second_opinion],
        "images": {
            name: [*one.scanners, *(second.name for second in one.second_opinion)]
            for name, one in scan.images.items()
        },
        "database": _database(scan),
    }


def _database(scan: ScanSpec) -> str:
    match scan.database:
        case DatabaseDirectory(path=path):
            return path
        case DownloadedDatabase():
            return "download"
        case None:
            return "none"


def _sbom(plan: Plan) -> dict[str, Any] | None:
    sbom = plan.verify.sbom
    if isinstance(sbom, Skipped):
        return None
    return {
        "tool": "syft",
        "source": describe(sbom.tool),
        "formats": [str(form) for form in sbom.formats],
    }


def _publish(plan: Plan) -> dict[str, Any] | None:
    if isinstance(plan.deliver, Skipped):
        return None
    publish = plan.deliver.publish
    return {
        "tags": list(publish.tags),
        "registries": [
            {
                "url": registry.url,
                "username": None if registry.login is None else registry.login.username,
            }
            for registry in publish.registries
        ],
    }


def _sign(plan: Plan) -> dict[str, Any] | None:
    if isinstance(plan.deliver, Skipped) or isinstance(plan.deliver.sign, Skipped):
        return None
    sign = plan.deliver.sign
    who = sign.signer.who
    return {
        "tool": "cosign",
        "source": describe(sign.signer.tool),
        "signer": (
            f"key {shown_source(who.key)}"
            if isinstance(who, KeySigner)
            else f"identity (keyless) from {shown_source(who.token)}"
        ),
        "layouts": [layout.value for layout in sign.layouts],
    }


def _attest(plan: Plan) -> dict[str, Any] | None:
    if isinstance(plan.deliver, Skipped) or isinstance(plan.deliver.attest, Skipped):
        return None
    attest = plan.deliver.attest
    return {"statements": list(attest.predicates), "builder": attest.builder.id}


def _lines(data: Mapping[str, Any]) -> Iterator[str]:
    yield f"{data['project']} ({data['config']})"
    yield _row("commit", _commit_words(data["commit"], data["no_commit"]))
    yield from _rows("ci", [data["ci"]] if data["ci"] else [])
    yield from _rows("notes", data["notes"])
    yield _row("epoch", _epoch_words(data["epoch"]))
    yield from (_row(*row) if row else "" for row in changes_rows(data["changes"]))
    for image in data["images"]:
        yield from ("", f"image {image['name']}", *_image_lines(image))
    yield from _engine_lines(data["engines"])
    if data["policy"] is not None:
        rules = data["policy"]["rules"]
        yield from ("", "policy", _row("refuses", ", ".join(rules["error"])))
        yield from _rows("warns", [", ".join(rules["warn"])] if rules["warn"] else [])
    for title in ("scan", "sbom", "load"):
        if data[title] is not None:
            yield from ("", f"{title} by {data[title]['tool']} ({data[title]['source']})")
            yield from _part_lines(data[title])
    if data["integration"] is not None:
        yield from _integration_lines(data["integration"])
    yield from ("", "gate", _row("refuses", data["gate"]["refuses"]))
    if data["publish"] is not None:
        yield from ("", "publish", *_publish_lines(data["publish"]))
    yield from _evidence_lines(data)
    if data["skipped"]:
        yield from ("", "skipped")
        yield from (f"{' ' * _INDENT}{part['part']}: {part['reason']}" for part in data["skipped"])


def _engine_lines(parts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    rows = [_row(*row) for row in engine_lines(parts)]
    if rows:
        yield from ("", "engines", *rows)


def _integration_lines(part: Mapping[str, Any]) -> Iterator[str]:
    yield from (
        "",
        "integration",
        _row("platforms", ", ".join(part["platforms"]) or "the engine's"),
    )
    for suite in part["suites"]:
        services = [
            f"{name} ({suite['built'][name]} of this build)" if name in suite["built"] else name
            for name in suite["services"]
        ]
        yield _row(suite["name"], f"{suite['tests']} beside {', '.join(services) or 'nothing'}")
    yield from _rows("faults", map(_fault_words, part["faults"]))


def _fault_words(fault: Mapping[str, Any]) -> str:
    expected = "" if fault["expect"] == "recovers" else f"{fault['expect']}, "
    within = f"{fault['recovers_within_s']:g} s"
    return f"{fault['name']}: {fault['fault']}, {fault['probe']} {expected}recovers within {within}"


def _evidence_lines(data: Mapping[str, Any]) -> Iterator[str]:
    sign, attest = data["sign"], data["attest"]
    if sign is not None:
        yield from ("", f"sign by {sign['tool']} ({sign['source']})")
        yield _row("signer", sign["signer"])
        yield _row("layouts", ", ".join(sign["layouts"]))
    if attest is not None:
        yield from ("", "attest", _row("statements", ", ".join(attest["statements"])))
        yield _row("builder", attest["builder"])
    if data["deploy"]:
        yield from ("", "deploy", *(_row(*row) for row in deploy_lines(data["deploy"])))


def _image_lines(image: Mapping[str, Any]) -> Iterator[str]:
    yield _row("context", image["context"])
    yield _row("dockerfile", image["dockerfile"])
    yield _row("target", image["target"] or "the last stage")
    yield _row("platforms", ", ".join(image["platforms"]))
    yield from _rows("args", (f"{key}={value}" for key, value in image["build_args"].items()))
    yield from _rows("bases", (f"{key}={value}" for key, value in image["bases"].items()))
    yield from _rows("secrets", (f"{key} from {value}" for key, value in image["secrets"].items()))
    yield from _rows("tags", image["references"])


def _part_lines(part: Mapping[str, Any]) -> Iterator[str]:
    for key in ("test", "target"):
        if key in part:
            yield _row(key, part[key])
    for key in ("scanners", "formats", "thresholds"):
        if part.get(key):
            yield _row(key, ", ".join(part[key]))
    for image, names in part.get("images", {}).items():
        yield _row(image, ", ".join(names))
    if "database" in part:
        yield _row("database", part["database"])


def _publish_lines(publish: Mapping[str, Any]) -> Iterator[str]:
    yield _row("tags", ", ".join(publish["tags"]))
    yield from _rows(
        "registries",
        (
            registry["url"] if registry["username"] is None
            else f"{registry['url']} as {registry['username']}"
            for registry in publish["registries"]
        ),
    )  # fmt: skip


def _commit_words(commit: Mapping[str, Any] | None, why: str | None) -> str:
    if commit is None:
        return f"none: {why}"
    words = [commit["sha"]]
    words.append("detached" if commit["branch"] is None else f"branch {commit['branch']}")
    words += [] if commit["tag"] is None else [f"tag {commit['tag']}"]
    words += ["with changes that are not committed"] if commit["dirty"] else []
    return ", ".join(words)


def _epoch_words(epoch: Mapping[str, Any]) -> str:
    if epoch["seconds"] is None:
        return f"none: {epoch['source']}"
    return f"{epoch['seconds']} ({epoch['source']})"


def _row(key: str, value: str) -> str:
    return f"{' ' * _INDENT}{key:<{_COLUMN - _INDENT}}{value}"


def _rows(key: str, values: Iterable[str]) -> Iterator[str]:
    """Yield one line a value; only the first has the key."""
    for position, value in enumerate(values):
        yield _row("" if position else key, value)
