"""Orders: takes orders over HTTP and keeps them in PostgreSQL."""

import os

__version__ = os.environ.get("ORDERS_VERSION", "0.0.0+source")
