from pathlib import Path

import pytest

from portal.settings import Settings


def test_what_the_environment_does_not_say_has_a_default(tmp_path: Path):
    password = tmp_path / "password"
    password.write_text("open sesame\n")
    told = Settings.from_environment({"PORTAL_DATABASE_PASSWORD_FILE": str(password)})
    assert (told.port, told.pool_size, told.password) == (8080, 4, "open sesame")


@pytest.mark.parametrize("text", ["", "0", "65536", "eighty", "²"])
def test_a_port_that_is_none_is_named(text: str):
    with pytest.raises(SystemExit, match="PORTAL_PORT"):
        Settings.from_environment({"PORTAL_PORT": text})
