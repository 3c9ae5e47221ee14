"""What follows from what was found. Pure.

Example:
    >>> from keelway.dockerfile import parse
    >>> from keelway.survey.findings import Findings, FoundDockerfile
    >>> file = FoundDockerfile(path="Dockerfile", parsed=parse("FROM alpine:3.22"), context=".")
    >>> draft = decide(Findings(folder="My Shop", dockerfiles=(file,)))
    >>> draft.name, [image.name for image in draft.images], sorted(draft.warned)
    ('my-shop', ['my-shop'], ['healthcheck', 'starts', 'user-not-root'])
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.dockerfile import DockerfileError, SyntaxProblem
from keelway.policy.dockerfile_rules import broken
from keelway.survey.choose_images import choose_images
from keelway.survey.draft import Draft, DraftRegistry
from keelway.survey.names import plain_name
from keelway.survey.remotes import page_of, project_of, registry_of
from keelway.tags.reference import BadReferenceError, parse_repository
from keelway.tags.rules import RuleError, parse_rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keelway.survey.draft import DraftImage
    from keelway.survey.findings import Findings, FoundDockerfile

_UNPROVED = "not proved yet: it starts the image read-only, without capabilities"


def decide(findings: Findings) -> Draft:
    """Return the configuration that fits what was found. There must be a Dockerfile."""
    manifests = findings.manifests
    notes: list[str] = []
    name = _project_name(findings)
    images = choose_images(findings, name, notes)
    rules, bad = _rules(findings)
    return Draft(
        name=name,
        description=next((one.description for one in manifests if one.description), ""),
        licenses=next((one.licenses for one in manifests if one.licenses), ""),
        source=page_of(findings.remote),
        images=images,
        registries=tuple(_registries(findings)),
        rules=rules,
        rules_from=findings.rules_from,
        warned=_warned(findings, images),
        has_database=findings.machine.has_database,
        suites=findings.suites,
        notes=(*notes, *bad, *findings.notes, *_left_out(findings)),
    )


def _project_name(findings: Findings) -> str:
    """Return the name: of the remote, else of the language's own file, else of the folder."""
    candidates = (
        project_of(findings.remote).rpartition("/")[2],
        *(one.name for one in findings.manifests),
        findings.folder,
    )
    return next((name for one in candidates if (name := plain_name(one))), "app")


def _rules(findings: Findings) -> tuple[tuple[str, ...], list[str]]:
    good: list[str] = []
    notes: list[str] = []
    for rule in dict.fromkeys(findings.rules):
        objection = _objection(rule)
        if objection is None:
            good.append(rule)
        else:
            notes.append(f"{findings.rules_from}: the tag rule {rule!r} is left out: {objection}")
    return tuple(good), notes


def _objection(rule: str) -> str | None:
    if "${{" in rule:
        return "it holds an expression of GitHub's; those of the rule itself work everywhere"
    try:
        parse_rule(rule)
    except RuleError as error:
        return str(error)
    return None


def _registries(findings: Findings) -> Iterator[DraftRegistry]:
    """Yield where images are pushed today, else where they would be by the remote.

    One counts only where this machine may push to it: a first release must not fail for want of
    a login, nor publish where nobody asked for it.
    """
    seen: set[str] = set()
    for found in findings.repositories:
        url = found.repository.rpartition("/")[0]
        if url in seen or not _is_repository(found.repository):
            continue
        seen.add(url)
        host = url.partition("/")[0]
        active = host in findings.machine.logins or host.partition(":")[0] in {
            "localhost", "127.0.0.1",
        }  # fmt: skip
        reason = "" if active else f"; nobody is logged in to {host} here, so it is not used yet"
        yield DraftRegistry(url=url, comment=f"Found in {found.where}{reason}.", active=active)
    guessed = registry_of(findings.remote)
    if guessed and not seen:
        comment = "The registry of the remote's own host; nothing here says that it is used."
        yield DraftRegistry(url=guessed, comment=comment, active=False)


def _is_repository(text: str) -> bool:
    try:
        parse_repository(text)
    except BadReferenceError:
        return False
    return True


def _warned(findings: Findings, images: tuple[DraftImage, ...]) -> Mapping[str, str]:
    """Return the rules that today's Dockerfiles break, and those that only a start can prove."""
    by_path = {one.path: one for one in findings.dockerfiles}
    reasons: dict[str, str] = {}
    for image in images:
        path = image.dockerfile if image.context == "." else f"{image.context}/{image.dockerfile}"
        for rule, reason in _broken(by_path[path], image):
            reasons.setdefault(rule, reason)
    reasons["starts"] = _UNPROVED
    if "healthcheck" not in reasons:
        for rule in ("health-in-time", "health-detects", "health-stops"):
            reasons[rule] = "not proved yet: it needs the started image"
    return reasons


def _broken(file: FoundDockerfile, image: DraftImage) -> Iterator[tuple[str, str]]:
    try:
        hits = broken(file.parsed, build_args=image.build_args, target=image.target)
    except (DockerfileError, SyntaxProblem) as error:
        yield "base-pinned", f"{file.path}: {str(error).splitlines()[0]}"
        return
    for hit in hits:
        yield hit.rule, f"{file.path}:{hit.line}: {hit.message}"


def _left_out(findings: Findings) -> Iterator[str]:
    for one in findings.left_out:
        yield f"{one.path} is no image here: {one.reason}"
    for file in findings.dockerfiles:
        for source in file.lacks:
            yield f"{file.path} copies {source}, which no folder around it has"
        if not file.has_ignore_file:
            yield (
                f"{file.path} has no .dockerignore: all of {file.context} is sent to its build, "
                ".git and .keelway with it; a .dockerignore with these two lines keeps them out"
            )
