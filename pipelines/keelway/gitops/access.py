"""What is needed to work on a repository: a folder that is gone afterwards, keys in it, and git."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from keelway._secrets import read_own_secret
from keelway.gitops.git import (
    Git,
    answer_of,
    seen_environment,
    ssh_command,
    token_settings,
    with_settings,
)
from keelway.gitops.problem import GitOpsError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from keelway._stage import Run
    from keelway.gitops.spec import GitOpsSpec, LoginSpec, SigningSpec

_GPG_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A repository within reach."""

    git: Git
    folder: Path
    """For nobody else to read; it is gone afterwards."""
    signs: bool
    """Whether commits are signed."""

    @property
    def tree(self) -> Path:
        """Return where the work tree is."""
        return self.folder / "tree"


@asynccontextmanager
async def open_access(run: Run, spec: GitOpsSpec, *, writes: bool = True) -> AsyncGenerator[Access]:
    """Yield what is needed to work on the repository; nothing of it is left afterwards.

    Args:
        run: The run, which opens secrets.
        spec: The target.
        writes: Whether commits are made: only then is the signing key read.

    Raises:
        PlanError: A secret cannot be read.
        GitOpsError: The signing key is none.
    """
    folder = Path(tempfile.mkdtemp(prefix="keelway-git-"))
    environment = seen_environment()
    try:
        settings, secrets = await _log_in(run, spec, spec.login, folder, environment)
        signing = spec.signing if writes else None
        if signing is not None:
            settings |= await _sign(run, spec, signing, folder, environment)
        name, _, address = spec.author.rpartition(" <")
        for who in ("AUTHOR", "COMMITTER"):
            environment[f"GIT_{who}_NAME"] = name
            environment[f"GIT_{who}_EMAIL"] = address.removesuffix(">")
        environment |= with_settings(settings)
        git = Git(environment=environment, timeout_s=spec.timeout_s, secrets=secrets)
        yield Access(git=git, folder=folder, signs=signing is not None)
    finally:
        with anyio.CancelScope(shield=True):
            await _clean(folder, environment)


async def _log_in(
    run: Run, spec: GitOpsSpec, login: LoginSpec, folder: Path, environment: dict[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the settings that log in, with the values that must not be shown."""
    settings: dict[str, str] = {}
    secrets: tuple[str, ...] = ()
    key: Path | None = None
    if login.token is not None:
        what = f"the token of {spec.target}'s repository"
        token = (await read_own_secret(login.token, what=what, run=run)).strip()
        settings, variables = token_settings(spec.url, login.username, token)
        environment |= variables
        secrets = (token,)
    if login.ssh_key is not None:
        what = f"the ssh key of {spec.target}'s repository"
        text = await read_own_secret(login.ssh_key, what=what, run=run)
        key = await _key_file(folder / "login", text)
    environment["GIT_SSH_COMMAND"] = ssh_command(key, login.known_hosts)
    environment["GIT_SSH_VARIANT"] = "ssh"
    return settings, secrets


async def _sign(
    run: Run, spec: GitOpsSpec, signing: SigningSpec, folder: Path, environment: dict[str, str]
) -> dict[str, str]:
    """Return the settings that sign."""
    what = f"the signing key of {spec.target}"
    text = await read_own_secret(signing.key, what=what, run=run)
    if signing.format == "ssh":
        key = await _key_file(folder / "signing", text)
        return {"gpg.format": "ssh", "user.signingKey": str(key)}
    passphrase = ""
    if signing.passphrase is not None:
        what = f"the passphrase of {spec.target}'s key"
        passphrase = await read_own_secret(signing.passphrase, what=what, run=run)
    home = folder / "gnupg"
    home.mkdir(mode=0o700)
    environment["GNUPGHOME"] = str(home)
    secret = await _key_file(home / "passphrase", passphrase)
    settings = f'batch\nno-tty\npinentry-mode loopback\npassphrase-file "{secret}"\n'
    await anyio.Path(home / "gpg.conf").write_text(settings)
    return {"gpg.format": "openpgp", "user.signingKey": await _imported(text, folder, environment)}


async def _imported(key: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Return the fingerprint of a key of gpg that is in its keyring now."""
    imported = await answer_of(
        ["gpg", "--import"],
        cwd=folder,
        environment=environment,
        given=key,
        timeout_s=_GPG_TIMEOUT_S,
    )
    listed = await answer_of(
        ["gpg", "--list-secret-keys", "--with-colons"],
        cwd=folder,
        environment=environment,
        timeout_s=_GPG_TIMEOUT_S,
    )
    rows = (line.split(":") for line in listed.stdout.splitlines())
    found = next((row[9] for row in rows if row[0] == "fpr"), None)
    if imported.code or found is None:
        raise GitOpsError(
            "the signing key is none that gpg takes",
            why=imported.complaint.splitlines()[-1] if imported.complaint else None,
            next_step="give what `gpg --armor --export-secret-keys KEY` writes",
        )
    return found


async def _key_file(path: Path, text: str) -> Path:
    """Return a file with a key that only we can read."""
    file = anyio.Path(path)
    await file.touch(mode=0o600, exist_ok=False)
    # ssh wants the newline that secret stores cut off.
    await file.write_text(f"{text.rstrip()}\n" if text else "")
    return path


async def _clean(folder: Path, environment: Mapping[str, str]) -> None:
    if (folder / "gnupg").exists():
        # Its agent would live on.
        await answer_of(
            ["gpgconf", "--kill", "all"],
            cwd=folder,
            environment=environment,
            timeout_s=_GPG_TIMEOUT_S,
        )
    await anyio.to_thread.run_sync(lambda: shutil.rmtree(folder, ignore_errors=True))
