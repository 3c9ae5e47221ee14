"""Fits models to measurements, over HTTP."""

import os

__version__ = os.environ.get("FITS_VERSION", "0.0.0+unversioned")
