"""An image whose registry is down is pulled from a mirror; the digest is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keelway as kw
from keelway._registries import mirror_settings, plan_mirrors
from keelway.config import Config, ImageConfig, ProjectConfig, RegistryConfig

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import Registry
    from tests.support.sample_images import SampleImages

DOWN = "127.0.0.1:1"


async def test_a_base_image_comes_from_the_mirror(
    registry: Registry, samples: SampleImages, tmp_path: Path
) -> None:
    config = Config(
        project=ProjectConfig(name="shop"),
        images={"orders": ImageConfig()},
        mirrors={DOWN: (registry.address,)},
        registries=(RegistryConfig(url="ghcr.io/shop", fallback="quay.io/kept"),),
    )
    mirrors = plan_mirrors(config)
    assert mirrors["ghcr.io/shop"] == ("quay.io/kept",)
    settings = {**mirror_settings(mirrors), "KEELWAY_STORE": str(tmp_path / "store")}
    lost = samples.busybox.replace(registry.address, DOWN)
    assert lost.partition("/")[0] == DOWN
    async with kw.open_session(kw.EngineChoice.LOCAL, settings=settings) as session:
        entries = await session.client.container().from_(lost).rootfs().entries()
    assert "bin/" in entries or "bin" in entries
