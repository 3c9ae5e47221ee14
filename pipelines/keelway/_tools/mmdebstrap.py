"""mmdebstrap: what to type to get a root file system out of packages.

The packages are resolved by apt, checked against the archive's keys, and extracted: none of their
installation scripts runs. So nothing is emulated, a foreign platform takes as long as the machine's
own, and what comes out depends on the packages alone. What the scripts would have done and a
container needs (users, the bundle of certificates, Python's bytecode) `keelway.rootfs` does.

Example:
    >>> argv = mmdebstrap_argv(
    ...     suite="bookworm", packages=("python3",), architecture="arm64", target="/tmp/root.tar"
    ... )
    >>> argv[:3]
    ('mmdebstrap', '--variant=extract', '--format=tar')
    >>> debian_architecture("linux/arm/v7")
    'armhf'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROGRAM = "mmdebstrap"

REMEDY = "install it with `apt-get install mmdebstrap` (Debian, Ubuntu), or run `make setup`"

_ARCHITECTURES = {
    "linux/386": "i386",
    "linux/arm/v5": "armel",
    "linux/arm/v6": "armel",
    "linux/arm/v7": "armhf",
    "linux/mips64le": "mips64el",
    "linux/ppc64le": "ppc64el",
}

# Writes dpkg's own records of what is there, so that scanners see the packages: extracting alone
# leaves none. md5sums names every file of a package; its list is made from it.
_RECORD = r"""set -eu
info="$1/var/lib/dpkg/info"
mkdir -p "$info"
for deb in "$1"/var/cache/apt/archives/*.deb; do
  dpkg-deb --field "$deb" | sed '/^Package:/a Status: install ok installed'
  echo
  name="$(dpkg-deb --field "$deb" Package)"
  if [ "$(dpkg-deb --field "$deb" Multi-Arch)" = same ]; then
    name="$name:$(dpkg-deb --field "$deb" Architecture)"
  fi
  dpkg-deb --info "$deb" md5sums > "$info/$name.md5sums" 2>/dev/null || : > "$info/$name.md5sums"
  sed 's,^[0-9a-f]* *,/,' "$info/$name.md5sums" > "$info/$name.list"
done > "$1/var/lib/dpkg/status"
"""

# Bytecode is the same for every architecture. It is bound to the text of its source, not to the
# source's time, so that it is the same every time; nobody changes the sources in an image.
_COMPILE = r"""set -eu
for library in "$1"/usr/lib/python3.[0-9]*; do
  python="/usr/bin/$(basename "$library")"
  [ -x "$1$python" ] || continue
  for folder in "/usr/lib/${library##*/}" /usr/lib/python3/dist-packages; do
    [ -d "$1$folder" ] || continue
    chroot "$1" "$python" -I -S -m compileall -q --invalidation-mode unchecked-hash \
      -x '/(lib2to3|pydoc_data|idlelib|turtledemo|ensurepip)/' "$folder"
  done
done
"""

# Debian's releases have one tree of programs and libraries, under /usr.
_MERGE_USR = r"""set -eu
for name in bin sbin lib lib64; do
  [ "$name" != lib64 ] || [ {architecture} = amd64 ] || continue
  mkdir -p "$1/usr/$name"
  [ -e "$1/$name" ] || ln -s "usr/$name" "$1/$name"
done
"""


def debian_architecture(platform: str) -> str:
    """Return Debian's name for the architecture of a platform."""
    return _ARCHITECTURES.get(platform, platform.split("/")[1])


def mmdebstrap_argv(
    *,
    suite: str,
    packages: Sequence[str],
    architecture: str,
    target: str,
    sources: Sequence[str] = (),
    compile_python: bool = True,
) -> tuple[str, ...]:
    """Return what writes the extracted packages, with all that they depend on, to a tar file.

    Args:
        suite: The release, as in `bookworm`.
        packages: Their names; what they depend on comes along.
        architecture: Debian's name of it.
        target: The tar file.
        sources: Lines of a sources.list; Debian's own mirrors when there are none.
        compile_python: Whether Python's bytecode is made, by the Python that was extracted.
    """
    merge = _MERGE_USR.replace("{architecture}", architecture)
    hooks = [_RECORD, *([_COMPILE] if compile_python else [])]
    return (
        PROGRAM,
        "--variant=extract",
        "--format=tar",
        f"--architectures={architecture}",
        f"--include={','.join(packages)}",
        '--aptopt=Acquire::Retries "3"',
        '--aptopt=APT::Install-Recommends "false"',
        # Package lists in every language are a third of what is fetched, and nobody reads them.
        '--aptopt=Acquire::Languages "none"',
        f"--setup-hook={merge}",
        *(f"--extract-hook={hook}" for hook in hooks),
        suite,
        target,
        *sources,
    )


def mmdebstrap_environment(
    environment: Mapping[str, str], *, temporary: str, epoch: int
) -> dict[str, str]:
    """Return the environment for it: few things come from outside.

    Args:
        environment: Where the search path, proxies and the home directory are taken from.
        temporary: Where it may put its files.
        epoch: No file is newer than this, in seconds since 1970.
    """
    proxies = {"http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}
    kept = {name: environment[name] for name in ("HOME", *sorted(proxies)) if name in environment}
    path = environment.get("PATH", "/usr/bin:/bin")
    return {
        **kept,
        "PATH": f"{path}:/usr/sbin:/sbin",
        "LC_ALL": "C.UTF-8",
        "TMPDIR": temporary,
        "SOURCE_DATE_EPOCH": str(epoch),
    }
