"""Commands run in this process, which has imported already what each would import on its own.

Not here: commands beside running servers, each in a process of its own (user_home.py).
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from unittest.mock import patch

from deployments.commands.main import main


def ratchet(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """What `ratchet ARGUMENTS` prints in this environment, and how it ends."""
    output, errors = StringIO(), StringIO()
    with (
        patch.dict(os.environ, environment, clear=True),
        redirect_stdout(output),
        redirect_stderr(errors),
    ):
        try:
            sys.exit(main(list(arguments)))
        except SystemExit as end:
            code = end.code or 0
    assert isinstance(code, int)
    return subprocess.CompletedProcess(arguments, code, output.getvalue(), errors.getvalue())
