"""A limit for JAX; a stand-in for the driver, since no GPU is needed to see what is asked of it."""

from __future__ import annotations

import ctypes
import os
from typing import Any

import pytest

from models.engines.card_memory import check_limit, limit_jax
from models.errors import EngineError

SHARE, AT_ONCE = "XLA_PYTHON_CLIENT_MEM_FRACTION", "XLA_PYTHON_CLIENT_PREALLOCATE"


class Driver:
    """Of a card of 8 GiB."""

    fails = False

    def cuInit(self, _: int) -> int:  # noqa: N802 - the driver's name
        return int(self.fails)

    def cuDeviceGet(self, _: Any, __: int) -> int:  # noqa: N802
        return 0

    def cuDeviceTotalMem_v2(self, size: Any, _: Any) -> int:  # noqa: N802
        size._obj.value = 8 * 2**30
        return 0


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    driver = Driver()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: driver)
    # What the function sets is undone, whether it was there before or not.
    for name in (SHARE, AT_ONCE):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return driver


@pytest.mark.usefixtures("driver")
def test_megabytes_become_a_share_of_the_card_and_nothing_is_taken_beforehand() -> None:
    limit_jax(2048)
    assert float(os.environ[SHARE]) == 0.25
    assert os.environ[AT_ONCE] == "false"


@pytest.mark.usefixtures("driver")
def test_no_limit_leaves_the_share_that_the_operator_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SHARE, "0.4")
    monkeypatch.setenv(AT_ONCE, "true")
    limit_jax(0)
    assert (os.environ[SHARE], os.environ[AT_ONCE]) == ("0.4", "true")


@pytest.mark.usefixtures("driver")
def test_more_than_the_card_has_is_refused_with_what_it_has() -> None:
    with pytest.raises(EngineError, match="gpu_memory_mb is 9000, but the GPU has 8192 MiB"):
        limit_jax(9000)


def test_without_a_card_there_is_nothing_to_limit(driver: Driver) -> None:
    driver.fails = True
    limit_jax(2048)
    assert SHARE not in os.environ


def test_a_limit_that_jax_does_not_keep_is_no_limit() -> None:
    check_limit({"bytes_limit": 2048 * 2**20 + 4096}, 2048)
    check_limit(None, 0)
    with pytest.raises(EngineError, match="JAX takes up to 6144 MiB; set XLA_PYTHON_CLIENT_MEM"):
        check_limit({"bytes_limit": 6144 * 2**20}, 2048)
    with pytest.raises(EngineError, match="JAX takes an unknown amount"):
        check_limit(None, 2048)
