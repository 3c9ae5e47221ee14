"""The commands of the service. The image's entrypoint starts them with the secrets loaded.

    python -m fits serve                  serve HTTP (what the image does)
    python -m fits health                 ask the service of this container how it is; 1 when not well
    python -m fits backup FOLDER          copy all results into a folder
    python -m fits backup FOLDER SECONDS  do that again and again
    python -m fits backed-up FOLDER SECONDS  ask whether the newest copy is that young; 1 when not
    python -m fits simulate URL SECONDS   send a service what instruments would, again and again
    python -m fits check                  fit a known curve: whether numpy works here
"""

from __future__ import annotations

import json
import logging
import os
import platform
import sys
import time
import urllib.request
from pathlib import Path

from fits import __version__
from fits.settings import Settings, SettingsError, settings_from


def serve(settings: Settings) -> int:
    """Serve HTTP until somebody stops it."""
    import uvicorn

    from fits.logs import set_up

    set_up(settings)
    logging.getLogger("fits").info("serves")
    uvicorn.run(
        "fits.app:create_app",
        factory=True,
        host="0.0.0.0",
        port=settings.port,
        log_config=None,
        server_header=False,
        reload=os.environ.get("FITS_RELOAD") == "1",
        timeout_graceful_shutdown=5,
    )
    return 0


def backup(settings: Settings, folder: str, seconds: str | None = None) -> int:
    """Copy all results into a folder, once or again and again."""
    from fits.logs import set_up
    from fits.store import Store

    set_up(settings)
    store = Store(Path(settings.data), settings.store_key)
    while True:
        store.open()
        made = store.back_up(Path(folder))
        logging.getLogger("fits").info("backed up", extra={"fields": {"file": made.name}})
        if seconds is None:
            return 0
        time.sleep(float(seconds))


def backed_up(folder: str, seconds: str) -> int:
    """Ask whether the newest copy is younger than that."""
    copies = [file.stat().st_mtime for file in Path(folder).glob("results-*.db")]
    age = time.time() - max(copies, default=0.0)
    if age > float(seconds):
        print(f"no copy in {folder} is younger than {seconds} s", file=sys.stderr)
        return 1
    return 0


def simulate(settings: Settings, url: str, seconds: str) -> int:
    """Send a service what instruments would: noisy decays."""
    import numpy as np

    from fits.logs import set_up
    from fits.models import MODELS

    set_up(settings)
    log, source = logging.getLogger("fits"), np.random.default_rng()
    x = np.linspace(0.0, 5.0, 100)
    while True:
        truth = source.uniform([1.0, 0.5, 0.0], [5.0, 2.0, 1.0])
        y = MODELS["decay"].value(x, truth) + source.normal(scale=0.02, size=x.size)
        body = {"model": "decay", "x": x.tolist(), "y": y.tolist()}
        request = urllib.request.Request(
            f"{url}/fits",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "X-API-Key": settings.api_key},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                log.info("simulated", extra={"fields": {"status": answer.status}})
        except OSError as error:
            log.warning("not taken", extra={"fields": {"why": str(error)}})
        time.sleep(float(seconds))


def health() -> int:
    """Ask the service of this container how it is."""
    port = os.environ.get("FITS_PORT", "8080")
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=3) as answer:
            print(answer.read().decode())
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def check() -> int:
    """Fit a known curve, and say what this installation is made of."""
    import numpy as np

    from fits.fitting import fit
    from fits.models import MODELS

    x = np.linspace(0.0, 5.0, 200)
    truth = np.array([3.0, 1.5, 0.25])
    model = MODELS["decay"]
    noise = np.random.default_rng(1).normal(scale=0.01, size=x.size)
    found = fit(model, x, model.value(x, truth) + noise)
    is_right = bool(np.allclose(list(found.parameters.values()), truth, atol=0.02))
    print(json.dumps({
        "version": __version__, "numpy": np.__version__, "machine": platform.machine(),
        "is_right": is_right,
    }))  # fmt: skip
    return 0 if is_right else 1


def main(words: list[str]) -> int:
    """Do what is asked; wrong words are exit code 2."""
    try:
        match words:
            case ["serve"]:
                return serve(settings_from())
            case ["backup", folder]:
                return backup(settings_from(), folder)
            case ["backup", folder, seconds]:
                return backup(settings_from(), folder, seconds)
            case ["backed-up", folder, seconds]:
                return backed_up(folder, seconds)
            case ["simulate", url, seconds]:
                return simulate(settings_from(), url, seconds)
            case ["health"]:
                return health()
            case ["check"]:
                return check()
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 78  # EX_CONFIG


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
