"""`python -m deployments.commands` is `ratchet`."""

import sys

from deployments.commands.main import main

sys.exit(main())
