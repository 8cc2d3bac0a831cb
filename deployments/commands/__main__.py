"""`python -m deployments.commands` is `ratchet`."""

from deployments.commands.main import main

main()
