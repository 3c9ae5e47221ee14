from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fits.entrypoint import EntrypointError, load
from fits.settings import SettingsError, settings_from
from fits.store import Store

VALUE = "not-a-secret-of-anybody"


def secret(folder: Path, name: str, value: str = f"{VALUE}\n", mode: int = 0o400) -> None:
    file = folder / name
    file.write_text(value)
    file.chmod(mode)


def test_files_become_variables(tmp_path: Path) -> None:
    secret(tmp_path, "api-key")
    assert load(tmp_path, {"A": "1"}) == {"A": "1", "FITS_API_KEY": VALUE}


@pytest.mark.parametrize(
    ("given", "said"),
    [({"mode": 0o444}, "0444: make it 0400"), ({"value": "\n"}, "empty"),
     ({"value": "x" * 70_000}, "larger than")],
)  # fmt: skip
def test_what_is_no_good_is_refused_without_its_value(
    tmp_path: Path, given: dict[str, object], said: str
) -> None:
    secret(tmp_path, "api-key", **given)  # type: ignore[arg-type]
    with pytest.raises(EntrypointError, match=said) as error:
        load(tmp_path, {})
    assert VALUE not in str(error.value)


def test_a_variable_and_a_file_are_a_mistake(tmp_path: Path) -> None:
    secret(tmp_path, "api-key")
    with pytest.raises(EntrypointError, match="leave one of them out"):
        load(tmp_path, {"FITS_API_KEY": "x"})


def test_the_service_does_not_start_without_secrets(tmp_path: Path) -> None:
    environment = {**os.environ, "FITS_SECRETS": str(tmp_path)}
    command = [sys.executable, "-m", "fits.entrypoint", "serve"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "FITS_API_KEY is missing" in done.stderr) == (78, True)


def test_settings_do_not_show_secrets() -> None:
    settings = settings_from({"FITS_API_KEY": VALUE, "FITS_STORE_KEY": VALUE})
    assert VALUE not in repr(settings)
    with pytest.raises(SettingsError, match="no port"):
        settings_from({"FITS_API_KEY": VALUE, "FITS_STORE_KEY": VALUE, "FITS_PORT": "x"})


def test_a_backup_has_all_results(tmp_path: Path) -> None:
    store = Store(tmp_path, VALUE)
    store.open()
    number = store.add({"model": "line"}, "1.0.0")
    made = store.back_up(tmp_path / "copies")
    made.rename(tmp_path / "copies" / "results.db")
    restored = Store(tmp_path / "copies", VALUE).get(number)
    assert restored == {"id": number, "version": "1.0.0", "model": "line"}
