"""The lock file: what is written is read back, and damage is named."""

from pathlib import Path

import pytest

from keelway.config import Pin, load_config, parse_lock, render_lock
from keelway.errors import ConfigError

DIGEST = "sha256:" + "0" * 64


def test_what_is_written_is_read_back_in_a_fixed_order() -> None:
    pins = {
        "python": Pin(reference=f"localhost:5000/py@{DIGEST}", inputs="sha256:1"),
        "a.b": Pin(reference=f"localhost:5000/ab@{DIGEST}"),
    }
    text = render_lock(pins)
    assert parse_lock(text) == pins
    assert render_lock(dict(reversed(pins.items()))) == text
    assert text.index('[base."a.b"]') < text.index('[base."python"]')


def test_the_loader_reads_it(tmp_path: Path) -> None:
    (tmp_path / "keelway.toml").write_text('[project]\nname = "x"\n[images.x]\n')
    (tmp_path / "keelway.lock").write_text(render_lock({"py": Pin(reference=f"a.io/py@{DIGEST}")}))
    assert load_config(tmp_path).pins["py"].reference == f"a.io/py@{DIGEST}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[base.py]\nreference = "a.io/py:1"', "keelway.lock:2: base.py.reference: 'a.io/py:1'"),
        ("[base.py]\n", "keelway.lock:1: base.py.reference: this key is required"),
        ("[base", "keelway.lock:1: not valid TOML"),
    ],
)
def test_damage_is_named_with_a_way_out(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "keelway.toml").write_text('[project]\nname = "x"\n[images.x]\n')
    (tmp_path / "keelway.lock").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)
    assert caught.value.message.startswith(said)
    assert "keelway base" in str(caught.value.next_step)
