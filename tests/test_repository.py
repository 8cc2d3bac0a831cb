"""What git keeps is what people wrote: nothing that a run has made."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_no_database_or_model_is_tracked() -> None:
    command = [
        "git",
        "ls-files",
        "*.db",
        "*.sqlite",
        "*.pkl",
        "*.skops",
        "mlruns/**",
        ".ratchet/**",
    ]
    tracked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert tracked == ""
