"""An object store for one session: a folder served over the S3 protocol, with real signatures."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

KEY, SECRET = "tests-access-key", "tests-secret-key-of-some-length"


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder behind s3://rows, which AWS_ENDPOINT_URL serves to KEY and SECRET."""
    if os.environ.get("CI") != "true":
        pytest.importorskip("s3fs", reason="install it with: uv sync --extra s3")
    server = Path(sys.executable).with_name("rclone")  # a development dependency
    folder = tmp_path_factory.mktemp("objects")
    (folder / "rows").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # what a test writes is there at once; at 0, rclone would be busy all the time
    options = [
        f"--addr=127.0.0.1:{port}",
        f"--auth-key={KEY},{SECRET}",
        "--dir-cache-time=1ms",
        "--config=",
    ]
    process = subprocess.Popen(
        [server, "serve", "s3", *options, str(folder)], stderr=subprocess.DEVNULL
    )
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        environment.setenv("AWS_ACCESS_KEY_ID", KEY)
        environment.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        _await_port(port)
        yield folder / "rows"
    process.terminate()
    process.wait(timeout=30)


def _await_port(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as caller:
            if caller.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"no object store answers at port {port}")
