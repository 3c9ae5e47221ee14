"""`python -m keelway.engine` is the command `keelway-engine`."""

import sys

from keelway.engine.program import main

sys.exit(main())
