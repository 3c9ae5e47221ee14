"""The Dockerfile front end: a Dockerfile and a context become a container, step by step a node.

Nothing runs here. Each instruction adds a node to the graph or changes the image configuration, so
steps share cache, mounts, platforms and parallelism with everything else; a stage that the target
does not need is never looked at.
"""

from __future__ import annotations

import posixpath
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from keelway.dockerfile import DockerfileError, Expander, IgnoreFile, parse, parse_trigger
from keelway.dockerfile.stages import SCRATCH
from keelway.engine.errors import EngineError
from keelway.engine.frontends.apply import apply
from keelway.engine.frontends.platforms import global_args
from keelway.engine.frontends.stage import StageState
from keelway.engine.graph import ops
from keelway.engine.graph.container import DEFAULT_PATH, Container, with_pair
from keelway.engine.graph.image_config import is_platform, normalised
from keelway.engine.graph.node import Node

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.dockerfile import Dockerfile, Location, Stage
    from keelway.engine.frontends.stage import BuildRequest, Surroundings

_STOCK = re.compile(r"(?:docker\.io/)?docker/dockerfile(?:-upstream)?(?:[:@].*)?\Z")
_SIDE_BY_SIDE = 4
"""Registries that are asked at once for base images."""


def docker_build(request: BuildRequest, surroundings: Surroundings) -> Container:
    """Return the container that a Dockerfile describes.

    Raises:
        EngineError: The Dockerfile is missing or wrong; the text has the line and the source.
    """
    try:
        return _Builder(request, surroundings).container()
    except DockerfileError as error:
        raise EngineError(str(error)) from error


class _Builder:
    """One build."""

    def __init__(self, request: BuildRequest, surroundings: Surroundings) -> None:
        """Read the Dockerfile and the ignore file.

        Raises:
            EngineError: There is no Dockerfile, or no such platform.
            DockerfileError: One of the files is wrong.
        """
        self.request = request
        self.surroundings = surroundings
        self.build_args: Mapping[str, str] = dict(request.build_args)
        platform = request.platform or surroundings.default_platform
        if not is_platform(platform):
            raise EngineError(f"{platform}: unknown operating system or architecture")
        self.platform = normalised(platform)
        self._file = self._parsed()
        self.escape = self._file.directives.escape
        self.ignore = self._ignore()
        self.context = self._context()
        self.global_args: Mapping[str, str] = global_args(
            self._file, request, self.platform, normalised(surroundings.default_platform)
        )
        self._states: dict[int, StageState] = {}
        self._images: dict[tuple[str, str], Container] = {}
        self._under_way: list[Stage] = []

    # --- files --------------------------------------------------------------------------------

    def _read(self, path: str) -> str | None:
        clean = posixpath.normpath("/" + path)
        data = self.surroundings.read_file(self.request.context, clean.lstrip("/"))
        return None if data is None else data.decode("utf-8", "surrogateescape")

    def _parsed(self) -> Dockerfile:
        name = self.request.dockerfile
        text = self._read(name)
        if text is None:
            raise EngineError(f"failed to read dockerfile: open {name}: no such file or directory")
        parsed = parse(text, name)
        syntax = parsed.directives.syntax
        if syntax is not None and not _STOCK.match(syntax):
            raise EngineError(
                f'syntax frontend "{syntax}" is unsupported: the local engine reads '
                "docker/dockerfile itself and runs no other front end"
            )
        return parsed

    def _ignore(self) -> tuple[str, ...]:
        for name in (f"{self.request.dockerfile}.dockerignore", ".dockerignore"):
            text = self._read(name)
            if text is not None:
                return IgnoreFile.parse(text, name).lines()
        return ()

    def _context(self) -> Node:
        context = self.request.context
        if context.path == "/":
            return context.node
        return Node.of(ops.Subtree(path=context.path), context.node)

    # --- the whole ----------------------------------------------------------------------------

    def container(self) -> Container:
        """Return the target's container."""
        target = self._file.target(self.request.target)
        stages = self._file.needed(target, self._base_name)
        self._fetch(stages)
        for stage in stages:
            self._stage(stage)
        container = self._stage(target).container
        return replace(
            container,
            exec=None,
            image_ref="",
            platform_given=bool(self.request.platform),
            secrets=(*container.secrets, *self._kept_secrets()),
            default_args_set=container.config.cmd is not None,
        )

    def _kept_secrets(self) -> list[ops.ExecSecret]:
        """Return the given secrets as later commands see them: Dagger leaves them mounted."""
        for secret in self.request.secrets:
            if not secret.name:
                raise EngineError(
                    "a build secret has no name, so no --mount=type=secret can mean it: "
                    "make it by setSecret"
                )
        return [
            ops.ExecSecret(
                identity=secret.identity,
                handle=secret.handle,
                path=posixpath.join("/run/secrets", secret.name),
            )
            for secret in self.request.secrets
        ]

    # --- stages -------------------------------------------------------------------------------

    def _base_name(self, stage: Stage) -> str:
        """Return the stage's or image's name behind a `FROM`, variables replaced."""
        name = self._expanded(stage, stage.base.image)
        if not name:
            raise self._file.source.error(
                f"base name ({stage.base.image}) should not be blank: give its ARG a value",
                stage.base.location,
            )
        return name

    def _stage_platform(self, stage: Stage) -> str:
        if not stage.base.platform:
            return self.platform
        platform = self._expanded(stage, stage.base.platform)
        if not is_platform(platform):
            raise self._file.source.error(
                f'failed to parse platform "{platform}": unknown operating system or architecture',
                stage.base.location,
            )
        return normalised(platform)

    def _expanded(self, stage: Stage, text: str) -> str:
        state = self._blank(stage)
        expander = Expander(self.global_args, escape=self.escape)
        return state.reading(stage.base, lambda: expander.word(text))

    def _blank(self, stage: Stage) -> StageState:
        return StageState(
            index=stage.index,
            container=Container(platform=self.platform),
            source=self._file.source,
        )

    def _fetch(self, stages: tuple[Stage, ...]) -> None:
        """Ask for the base images of several stages at once; errors show where one is used."""
        wanted: dict[tuple[str, str], Stage] = {}
        for stage in stages:
            name = self._base_name(stage)
            if name != SCRATCH and self._file.base_stage(stage, name) is None:
                wanted.setdefault((name, self._stage_platform(stage)), stage)
        if len(wanted) > 1:
            with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
                for stage in wanted.values():
                    pool.submit(self._image, self._base_name(stage), self._stage_platform(stage))

    def _image(self, name: str, platform: str) -> Container:
        found = self._images.get((name, platform))
        if found is None:
            blank = Container(platform=platform)
            found = blank if name == SCRATCH else self.surroundings.with_image(blank, name)
            self._images[name, platform] = found
        return found

    def _stage(self, stage: Stage) -> StageState:
        """Return a stage with all its instructions applied; each is built once."""
        known = self._states.get(stage.index)
        if known is not None:
            return known
        if stage in self._under_way:
            raise self._file.source.error(
                f"circular dependency detected on stage: {stage.name}", stage.base.location
            )
        self._under_way.append(stage)
        state = self._started(stage)
        for instruction in stage.instructions:
            state = apply(state, instruction, self)
        self._under_way.pop()
        self._states[stage.index] = state
        return state

    def _started(self, stage: Stage) -> StageState:
        """Return a stage as its `FROM` makes it, the base image's triggers included."""
        name = self._base_name(stage)
        base = self._file.base_stage(stage, name)
        if base is not None:
            from_stage = self._stage(base)
            state = replace(self._blank(stage), container=from_stage.container)
            state = replace(state, args=from_stage.args)
        else:
            container = self._based(stage, name, self._stage_platform(stage))
            state = replace(self._blank(stage), container=container)
        triggers = state.config.on_build
        env = state.config.env
        if not any(key == "PATH" for key, _ in env):
            env = with_pair(env, "PATH", DEFAULT_PATH)
        state = state.with_config(replace(state.config, on_build=(), env=env))
        for trigger in triggers:
            state = self._triggered(state, trigger, name)
        return state

    def _based(self, stage: Stage, name: str, platform: str) -> Container:
        try:
            return self._image(name, platform)
        except EngineError as error:
            raise type(error)(
                str(self._file.source.error(f"{name}: {error}", stage.base.location))
            ) from error

    def _triggered(self, state: StageState, trigger: str, image: str) -> StageState:
        instruction, source = parse_trigger(trigger, image, self.escape)
        after = apply(replace(state, source=source), instruction, self)
        return replace(after, source=state.source)

    def tree_of(self, reference: str, asking: StageState, location: Location) -> Node:
        """Return the root of a stage or an image that an instruction takes files from."""
        asking_stage = self._file.stages[asking.index]
        stage = self._file.source_stage(asking_stage, reference, location)
        if stage is not None:
            return self._stage(stage).container.tree
        try:
            return self._image(reference, self.platform).tree
        except EngineError as error:
            raise type(error)(
                str(asking.source.error(f"{reference}: {error}", location))
            ) from error
