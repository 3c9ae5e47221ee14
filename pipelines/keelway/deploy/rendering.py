"""What is put on a host, from the user's compose files: pinned, confined, and nothing to build.

Example:
    project = load_project(files, name="orders", environment=variables, root=Path("/"))
    choice = Rendering(
        target="web", project="orders", folder=unit.folder, version="1.4.0", images=images
    )
    unit = render(project, choice)

For blue/green there are three units: one with what both colours share, and one a colour. A colour
has networks of its own, which the shared services are in as well: so the names of its services are
those of its own colour, and the database is the same for both.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from keelway.compose.document import document_yaml, escaped
from keelway.compose.project import Condition
from keelway.config.explain import nearest
from keelway.deploy.choice import Part, RenderedUnit, Rendering, ServiceChoice
from keelway.deploy.hardening import Judge, judge_service
from keelway.deploy.mounted_files import config_files, file_mounts, kept_files, secret_files
from keelway.deploy.unit_document import Document, ServicePlan, service_document
from keelway.deploy.unit_file import OWN_KEY
from keelway.deploy.unit_networks import attachments, kept_between, unit_networks, unit_volumes
from keelway.errors import ConfigError, PlanError
from keelway.stack.images import built_image
from keelway.tags.reference import BadReferenceError, parse_reference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.compose.project import Project, Service

__all__ = ["Part", "RenderedUnit", "Rendering", "ServiceChoice", "render", "unpinned"]

_NEXT_STEP = "docs/how-to/deployed-services.md tells how to allow what a service must do"
_HEADER = "# Written by keelway: what it deployed. Changes here are lost with the next release.\n"
_SHARED_MODE = "service:"


def unpinned(project: Project, choice: Rendering) -> tuple[str, ...]:
    """Return the images that are neither of the release nor named by digest, as they are written.

    Whoever deploys finds their digests, and gives them as `Rendering.pins`.
    """
    return tuple(
        dict.fromkeys(
            service.image
            for service in _chosen(project, choice)
            if service.image is not None
            and _released(service, choice) is None
            and _by_digest(service.image) is None
        )
    )


def render(project: Project, choice: Rendering) -> RenderedUnit:
    """Return a unit of a project as it is put on a host.

    Args:
        project: The user's compose files, loaded with the name that the project has on the hosts.
        choice: How the unit is to be written.

    Raises:
        ConfigError: A service asks for what a deployed one must not have; all of it is told.
        PlanError: The choice names a service that there is none of.
    """
    _check_names(project, choice)
    services = _chosen(project, choice)
    judges = [
        Judge(service=one, choice=_own(choice, one), target=choice.target) for one in services
    ]
    images = {judge.service.name: _image(judge, choice) for judge in judges}
    for judge in judges:
        judge_service(judge, project, choice)
        _judge_peers(judge, services)
    problems = [problem for judge in judges for problem in judge.problems]
    if problems:
        unique = sorted(set(problems), key=lambda one: (one.file, one.line or 0, one.key))
        raise ConfigError(unique, next_step=_NEXT_STEP)
    plans = [_plan(judge, images[judge.service.name], project, choice) for judge in judges]
    document: Document = {
        OWN_KEY: _note(plans, project, choice),
        "services": {plan.service.name: service_document(plan, choice) for plan in plans},
        "networks": unit_networks(plans, project, choice, _colour_keys(project, choice)),
        "volumes": unit_volumes(plans, project, choice),
    }
    kept = {key: value for key, value in document.items() if value or key == "services"}
    return RenderedUnit(
        project=choice.project,
        compose=(_HEADER + document_yaml(escaped(kept))).encode(),
        services=tuple(plan.service.name for plan in plans),
        images=tuple(dict.fromkeys(plan.image for plan in plans)),
        configs=tuple(one for plan in plans for one in config_files(plan.service, project)),
        secrets=tuple(one for plan in plans for one in secret_files(plan.service)),
        told=tuple(
            line for judge, plan in zip(judges, plans, strict=True) for line in _told(judge, plan)
        ),
    )


def _check_names(project: Project, choice: Rendering) -> None:
    known = {**project.services, **project.disabled}
    for name in (*choice.services, *choice.mapping):
        if name not in known:
            near = nearest(name, known)
            raise PlanError(
                f"deploy.{choice.target}: the compose files have no service {name!r}",
                next_step=f"did you mean {near!r}?" if near else f"known: {', '.join(known)}",
            )


def _chosen(project: Project, choice: Rendering) -> list[Service]:
    """Return the services that the unit has, in the files' order."""
    if choice.part is Part.ALL:
        return list(project.services.values())
    is_colour = choice.part is Part.COLOUR
    return [
        one
        for one in project.services.values()
        if (_released(one, choice) is not None) == is_colour
    ]


def _released(service: Service, choice: Rendering) -> str | None:
    """Return the reference of a service whose image is of the release."""
    name = built_image(service, tuple(choice.images), choice.mapping, choice.registries)
    return None if name is None else choice.images.get(name)


def _colour_keys(project: Project, choice: Rendering) -> frozenset[str]:
    """Return the keys of the networks that each colour has one of."""
    released = _chosen(project, replace(choice, part=Part.COLOUR))
    used = {key for one in released for key in one.networks}
    return frozenset(key for key in used if not project.networks[key].external)


def _own(choice: Rendering, service: Service) -> ServiceChoice:
    return choice.services.get(service.name, ServiceChoice())


def _image(judge: Judge, choice: Rendering) -> str:
    """Return the service's image by digest."""
    service = judge.service
    released = _released(service, choice)
    if released is not None:
        return released
    if service.image is None:
        images = ", ".join(choice.images) or "none"
        text = (
            "nothing is built on a host: name an image, or say which of the release's images it"
            f" is in [deploy.{choice.target}] images (there are: {images})"
        )
        judge.refuse("build", text)
        return ""
    pinned = _by_digest(service.image) or choice.pins.get(service.image)
    if pinned is None:
        judge.refuse(
            "image",
            f"'{service.image}' is whatever the registry has at the time: write it by digest, or"
            " let the deployment find it",
        )
    return pinned or ""


def _by_digest(image: str) -> str | None:
    """Return a reference that has a digest, without its tag: Podman takes only one of them."""
    try:
        parsed = parse_reference(image)
    except BadReferenceError:
        return None
    return None if parsed.digest is None else str(replace(parsed, tag=None))


def _judge_peers(judge: Judge, services: Sequence[Service]) -> None:
    """Look at what binds a service to another one that may be in another unit."""
    mode = judge.service.network_mode or ""
    names = {one.name for one in services}
    if mode.startswith(_SHARED_MODE) and mode.removeprefix(_SHARED_MODE) not in names:
        text = f"'{mode}' is not among the services that are replaced together with it"
        judge.refuse("network_mode", text)
    for alias, name in judge.service.links.items():
        if name not in names:
            text = f"{name} is not replaced together with it: reach it by its name, not by {alias}"
            judge.refuse("links", text)


def _plan(judge: Judge, image: str, project: Project, choice: Rendering) -> ServicePlan:
    service = judge.service
    own, limits = judge.choice, choice.limits
    is_released = _released(service, choice) is not None
    return ServicePlan(
        service=service,
        image=image,
        is_released=is_released,
        runs_once=any(
            other.depends_on[service.name].condition is Condition.COMPLETED
            for other in project.services.values()
            if service.name in other.depends_on
        ),
        peers=frozenset(one.name for one in _chosen(project, choice)),
        networks=attachments(service, choice, _colour_keys(project, choice)),
        files=file_mounts(service, choice.folder if is_released else choice.kept),
        limits=replace(
            limits,
            cpus=own.cpus or service.limits.cpus or limits.cpus,
            memory=own.memory or service.limits.memory or limits.memory,
            pids=own.pids or service.limits.pids or limits.pids,
        ),
        scratch=own.scratch,
        allowed=frozenset(own.allow),
    )


def _note(plans: Sequence[ServicePlan], project: Project, choice: Rendering) -> Document:
    """Return what running the unit, and the next release, need to know of it."""
    images = {plan.service.image for plan in plans}
    note: Document = {
        "version": choice.version,
        "revision": choice.revision,
        "colour": choice.colour,
        "pins": {image: pin for image, pin in sorted(choice.pins.items()) if image in images},
        "root": [plan.service.name for plan in plans if "root" in plan.allowed],
        "secrets": [
            one.model_dump(exclude_defaults=True)
            for plan in plans
            for one in secret_files(plan.service)
        ],
        "kept": [
            one.model_dump()
            for plan in plans
            if not plan.is_released
            for one in kept_files(plan.service, choice.kept)
        ],
        **kept_between(plans, project, choice, _colour_keys(project, choice)),
    }
    return {key: value for key, value in note.items() if value}


def _told(judge: Judge, plan: ServicePlan) -> list[str]:
    service, name = judge.service, judge.service.name
    own, written = judge.choice, service.limits
    decided = {
        "cpus": (own.cpus or written.cpus, f"{plan.limits.cpus:g}"),
        "memory": (own.memory or written.memory, f"{plan.limits.memory // 1024**2} MiB"),
        "pids": (own.pids or written.pids, str(plan.limits.pids)),
    }
    missing = [f"{key} {shown}" for key, (said, shown) in decided.items() if said is None]
    lines = [f"{name}: no limit is written, so it gets {', '.join(missing)}"] if missing else []
    lines += [f"{name}: may {what}: {judge.choice.allow[what]}" for what in sorted(judge.used)]
    if service.extensions or service.annotations:
        lines.append(f"{name}: annotations and keys that begin with x- are left out")
    for port in service.ports:
        if not plan.is_released and port.published and port.host_ip in {None, "0.0.0.0", "::"}:  # noqa: S104 - what is looked for
            lines.append(f"{name}: port {port.published} is open to all that reach the host")
    return [*lines, *judge.unused()]
