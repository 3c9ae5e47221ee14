"""What is known of a project while it runs, kept for whoever asks from another terminal."""

from __future__ import annotations

import os
import time
from collections import deque
from typing import TYPE_CHECKING, TextIO

import anyio

from keelway.develop.log import Entry, format_entry
from keelway.develop.standing import Standing, came_to
from keelway.develop.state import PortPart, ServicePart, StateDocument, children, this_process
from keelway.model.events import Observer, StepEnded, StepOutput, StepStarted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from keelway.compose.project import Condition
    from keelway.develop.planned import Development
    from keelway.develop.relay import Way
    from keelway.develop.standing import Came
    from keelway.develop.state import Phase, ProcessPart, StateFolder
    from keelway.model.events import Event

_LOOK_S = 0.2
SHOWN_LINES = 15
NOTE = "keelway: "
"""In front of what keelway itself has to say of a service."""


class Scene:
    """The listener that keeps logs and state in the project's folder, and shows lines."""

    def __init__(
        self,
        development: Development,
        folder: StateFolder,
        show: Callable[[Entry], None],
        *,
        background: bool,
    ) -> None:
        """Begin with nothing known; `show` is told each line."""
        self._development = development
        self._folder = folder
        self._show = show
        self._background = background
        self._process = this_process()
        self._phase: Phase = "starting"
        self._ports: dict[str, tuple[PortPart, ...]] = {}
        self._engine: tuple[ProcessPart, ...] = ()
        self._file: TextIO = folder.log.open("a", encoding="utf-8", errors="replace", newline="\n")
        self._news = anyio.Event()
        self.standings: dict[str, Standing] = {}
        self.tails: dict[str, deque[str]] = {}
        self.write()

    # --- what is told -------------------------------------------------------------------------

    def wrote(self, service: str, text: str) -> None:
        """Keep and show a line that a service wrote."""
        self.tails.setdefault(service, deque(maxlen=SHOWN_LINES)).append(text)
        self._keep(service, text)

    def came(self, standing: Standing) -> None:
        """Keep what a service has come to; a bad turn, or its end, is shown."""
        before = self.standings.get(standing.name)
        self.standings[standing.name] = standing
        is_news = before is None or before.state != standing.state
        if is_news and (standing.over or standing.state == "unhealthy"):
            place = self._development.project.services[standing.name].place
            self.noted(standing.name, f"{standing.told} ({place})")
        self.write()
        self._news.set()
        self._news = anyio.Event()

    def noted(self, service: str, text: str) -> None:
        """Keep and show what keelway has to say of a service."""
        self._keep(service, f"{NOTE}{text}")

    def _keep(self, service: str, text: str) -> None:
        entry = Entry(at=time.time(), service=service, text=text)
        self._file.write(format_entry(entry))
        self._file.flush()
        self._show(entry)

    # --- what is kept -------------------------------------------------------------------------

    def listen_at(self, ways: Sequence[Way]) -> None:
        """Keep which ports of the host lead to which service."""
        for way in sorted(ways, key=lambda one: (one.forward.target, one.port)):
            forward = way.forward
            part = PortPart(
                address=forward.address,
                published=way.port,
                target=forward.target,
                protocol=forward.protocol,
            )
            self._ports[forward.service] = (*self._ports.get(forward.service, ()), part)

    def enter(self, phase: Phase) -> None:
        """Keep how far the project as a whole is, and who works for it."""
        self._phase = phase
        self._engine = children(os.getpid())
        self.write()

    def write(self) -> None:
        """Write the state."""
        project = self._development.project
        self._folder.write(
            StateDocument(
                name=project.name,
                folder=str(project.folder),
                files=tuple(str(file) for file in project.files),
                phase=self._phase,
                background=self._background,
                process=self._process,
                engine=self._engine,
                grace_s=self._development.grace_s,
                services=tuple(self._part(name) for name in project.services),
            )
        )

    def close(self) -> None:
        """Close the log."""
        self._file.close()

    def _part(self, name: str) -> ServicePart:
        standing = self.standings.get(name, Standing(name=name))
        return ServicePart(
            name=name,
            state=standing.activity,
            health=standing.health,
            code=standing.code,
            restarts=standing.restarts,
            why=standing.why,
            ports=self._ports.get(name, ()),
        )

    # --- what is waited for -------------------------------------------------------------------

    async def ready(self, wanted: Mapping[str, Condition], limit_s: float) -> Came:
        """Return once all services came to what is wanted, or one never will, or time is over."""
        came = came_to(wanted, self.standings, now=time.monotonic())
        with anyio.move_on_after(limit_s):
            while not came.ready and not came.failed:
                await anyio.sleep(_LOOK_S)
                came = came_to(wanted, self.standings, now=time.monotonic())
        return came

    async def over(self) -> None:
        """Return once all services have ended."""
        names = self._development.project.services
        while not all(name in self.standings and self.standings[name].over for name in names):
            await self._news.wait()


class Muted:
    """An observer that passes on what the engine does until services speak themselves."""

    def __init__(self, observer: Observer) -> None:
        """Tell this observer."""
        self._observer = observer
        self.is_muted = False

    def on(self, event: Event) -> None:
        """Pass the event on, but no step of the engine once it is muted."""
        if not (self.is_muted and isinstance(event, StepStarted | StepEnded | StepOutput)):
            self._observer.on(event)
