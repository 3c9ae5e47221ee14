"""What a service is told to do while it runs, packed as `orders.sh` of the stack takes it.

Example:
    >>> order = Order(service="web", restart=True)
    >>> order.is_empty, Order(service="web").is_empty
    (False, True)
"""

from __future__ import annotations

import shlex
import tarfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from keelway.stack.supervise import BOARD_PATH, BUSYBOX_PATH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ORDERS_PATH = "/orders"
LATE = 4
"""Exit code of `order_script` when the time was over."""
REFUSED = 3
"""Exit code of `order_script` when one could not be carried out; its words are on the output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What one service is told."""

    service: str
    put: Mapping[str, Path] = field(default_factory=dict[str, Path])
    """Files of this machine by where they go, which is an absolute path."""
    gone: tuple[str, ...] = ()
    """Paths that are taken away."""
    command: tuple[str, ...] | None = None
    """What is run beside the service, as its user, when the files are there."""
    restart: bool = False
    """Whether the service starts again after that."""
    moved: Mapping[str, str] = field(default_factory=dict[str, str])
    """Addresses of other services that are somewhere else now."""
    waits: bool = True
    """Whether its end is waited for."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        told = (self.put, self.gone, self.command, self.restart, self.moved)
        return not any(told)


def write_orders(orders: Iterable[Order], folder: Path) -> None:
    """Write orders below a folder of this machine, one folder a service."""
    for order in orders:
        own = folder / order.service
        own.mkdir(parents=True)
        if order.put:
            _pack(order.put, own)
        _write(own / "gone", order.gone)
        _write(own / "moved", [f"{name} {address}" for name, address in order.moved.items()])
        if order.command is not None:
            _write(own / "exec", [f"as_user {shlex.join(order.command)}"])
        _write(own / "restart", ["yes"] if order.restart else [])
        _write(own / "alone", [] if order.waits else ["yes"])


def _write(file: Path, lines: Iterable[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    if text:
        file.write_text(text, encoding="utf-8", errors="surrogateescape")


def _pack(put: Mapping[str, Path], own: Path) -> None:
    names: list[str] = []
    with tarfile.open(own / "files.tar", "w", format=tarfile.GNU_FORMAT) as archive:
        for target, source in put.items():
            # What has gone since it was seen is the next look's matter.
            with suppress(FileNotFoundError):
                archive.add(source, target.lstrip("/"), recursive=False)
                names.append(target)
    _write(own / "names", names)
    above = {str(parent) for name in names for parent in PurePosixPath(name).parents}
    _write(own / "folders", sorted(above, key=lambda path: (path.count("/"), path)))


def order_script(orders: Iterable[Order], number: int, limit_s: float) -> str:
    """Return the script that gives the orders below `ORDERS_PATH` and waits for their end."""
    every = tuple(orders)
    return _SCRIPT.format(
        busybox=BUSYBOX_PATH,
        board=BOARD_PATH,
        given=ORDERS_PATH,
        number=f"{number:08d}",
        all=shlex.join(order.service for order in every),
        waited=shlex.join(order.service for order in every if order.waits),
        turns=round(limit_s * 20),
        late=LATE,
        refused=REFUSED,
    )


_SCRIPT = """\
B={busybox}; board={board}; number={number}; failed=
for name in {all}; do
  "$B" mkdir -p "$board/$name/orders"
  "$B" cp -r "{given}/$name" "$board/$name/.order-$number"
  "$B" mv "$board/$name/.order-$number" "$board/$name/orders/$number"
done
for name in {waited}; do
  done=$board/$name/done/$number; turn=0
  while [ ! -d "$done" ]; do
    [ "$turn" -lt {turns} ] || exit {late}
    turn=$((turn + 1)); "$B" usleep 50000
  done
  [ ! -s "$done/said" ] || "$B" cat "$done/said"
  code=1; read -r code <"$done/code" || :
  [ "$code" = 0 ] || failed=1
  "$B" rm -rf "$done"
done
[ -z "$failed" ] || exit {refused}
"""

FORGET = """\
B={busybox}; board={board}
for file in "$board/{name}"/*; do
  case $file in */log) ;; *) "$B" rm -rf "$file" ;; esac
done
"""
"""What makes the board forget a service, but not what it wrote, before it is started anew."""

LOCATE = """\
B={busybox}; board={board}; turn=0
while [ ! -f "$board/{name}/address" ]; do
  [ "$turn" -lt {turns} ] || exit {late}
  turn=$((turn + 1)); "$B" usleep 50000
done
"$B" cat "$board/{name}/address"
"""
"""What waits until a service knows where it is, and tells it."""

HURRY = """\
echo {hundredths} >{board}/.grace
"""
"""What gives all services another time to end."""


def filled(script: str, name: str = "", *, limit_s: float = 0.0, grace_s: float = 0.0) -> str:
    """Return one of the scripts above with everything in it."""
    return script.format(
        busybox=BUSYBOX_PATH,
        board=BOARD_PATH,
        name=name,
        turns=round(limit_s * 20),
        late=LATE,
        hundredths=round(grace_s * 100),
    )
