"""The host's own certificate authorities, trusted inside containers while a command runs.

    installed = install(root)                # the merged view is mounted
    code = runtime.run(spec, ...)
    mount.close()
    installed.remove(upper)                  # the layer knows nothing of them

Where a network ends TLS by an authority of its own, a build that fetches packages fails unless its
containers trust that authority too. Dagger's engine installs the certificates of
`/usr/local/share/ca-certificates` for the time of a command; so does this one. They are appended
to the bundles that the image has. Nothing is mounted over those, since `update-ca-certificates`
replaces the file by a rename, which a mount would forbid.
"""

from __future__ import annotations

import contextlib
import functools
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from keelway.engine.run.stubs import Stubs, clean_upper, touched_above

if TYPE_CHECKING:
    from keelway.engine.run.inroot import Root

_HOST_FOLDER: Final = Path("/usr/local/share/ca-certificates")
_BUNDLES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # Alpine's LibreSSL
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Changed:
    path: PurePosixPath
    written: bytes
    added: bytes
    above: Stubs


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What was changed in one root."""

    changes: tuple[_Changed, ...] = ()

    def remove(self, upper: Path) -> None:
        """Take the certificates out of the unmounted upper of that root.

        A bundle that the command left alone is the image's own again; one that it rewrote keeps
        all but what was added.
        """
        for change in self.changes:
            file = upper / str(change.path).lstrip("/")
            try:
                found = b"" if file.is_symlink() else file.read_bytes()
            except OSError:
                continue
            if found == change.written:
                os.truncate(file, 0)
                clean_upper(upper, change.above)
            elif change.added in found:
                _rewrite(file, found.replace(change.added, b""))


def install(root: Root) -> Installed:
    """Append the host's certificates to the bundles of a root that is mounted for writing.

    Raises:
        OSError: A bundle could not be written.
    """
    extra = host_certificates()
    if not extra:
        return Installed()
    changes: dict[PurePosixPath, _Changed] = {}
    for bundle in _BUNDLES:
        if not root.exists(bundle):
            continue
        path = root.resolve(bundle)
        if path not in changes:
            change = _append(root, path, extra)
            if change is not None:
                changes[path] = change
    return Installed(changes=tuple(changes.values()))


@functools.cache
def host_certificates() -> tuple[bytes, ...]:
    """Return the authorities that the host's administrator added, as PEM."""
    found: list[bytes] = []
    with contextlib.suppress(OSError):
        for path in sorted(_HOST_FOLDER.rglob("*.crt")):
            text = path.read_bytes().strip()
            if text.startswith(b"-----BEGIN"):
                found.append(text + b"\n")
    return tuple(found)


def _append(root: Root, path: PurePosixPath, extra: tuple[bytes, ...]) -> _Changed | None:
    old = root.read_file(str(path))
    missing = [certificate for certificate in extra if certificate not in old]
    if not missing:
        return None
    above = Stubs(missing=(path,), touched=touched_above(root, path))
    separator = b"" if not old or old.endswith(b"\n") else b"\n"
    added = separator + b"".join(missing)
    root.write_file(str(path), old + added)
    return _Changed(path=path, written=old + added, added=added, above=above)


def _rewrite(file: Path, data: bytes) -> None:
    state = file.stat()
    file.write_bytes(data)
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
