"""A step is tried again only after an error that trying again can mend."""

import asyncio

import httpx
import pytest
from mlflow.exceptions import MlflowException, RestException
from prefect.states import exception_to_failed_state

from configs.errors import (
    ConfigError,
    DataRejected,
    HookFailed,
    ModelRejected,
    RunChanged,
    Unreachable,
)
from flows.steps import worth_retrying

MENDED_BY_WAITING = [
    Unreachable("no answer"),
    OSError("stale file handle"),
    httpx.ConnectError("refused"),
    MlflowException("API request failed"),
]
NEVER = [
    DataRejected("12 nulls"),
    ModelRejected("a lambda"),
    RunChanged("other code"),
    ConfigError("a typo"),
    HookFailed("KeyError"),
    ValueError("a mistake of ours"),
    RestException({"error_code": "INVALID_PARAMETER_VALUE", "message": "changed"}),
]


@pytest.mark.parametrize("error", MENDED_BY_WAITING, ids=repr)
def test_a_network_or_a_disk_is_tried_again(error: Exception) -> None:
    assert worth_retrying(None, None, asyncio.run(exception_to_failed_state(error)))


@pytest.mark.parametrize("error", NEVER, ids=repr)
def test_a_refusal_or_a_mistake_never_is(error: Exception) -> None:
    assert not worth_retrying(None, None, asyncio.run(exception_to_failed_state(error)))
