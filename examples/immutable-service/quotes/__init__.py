"""Sends quotes to whoever listens, and keeps a journal of them."""

import os

# keelway tells every service that it deploys which version it is.
__version__ = os.environ.get("DEPLOYMENT_VERSION", "0.0.0+undeployed")
