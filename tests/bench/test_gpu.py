"""What can be seen of the part without a GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.characters.architecture import CharacterConvolutions
from models.html.architecture import InspectorSizes
from tests.bench.gpu import NO_GPU, arithmetic
from tests.bench.in_threads import in_threads
from tests.bench.parts import ALONE, ON_A_NODE, PARTS

ROOT = Path(__file__).parents[2]


def test_the_network_of_the_talk_takes_27_million_operations_a_text() -> None:
    # As counted by hand from its layers: 100 characters, dense layers of 1,024.
    assert arithmetic(CharacterConvolutions(), 100) == pytest.approx(27e6, rel=0.02)
    # Positions weigh as much as their convolutions, whatever the layers behind.
    more = arithmetic(CharacterConvolutions(), 101) - arithmetic(CharacterConvolutions(), 100)
    assert more == 2 * (2 + 3 + 4 + 5) * 32 * 256


def test_of_a_page_the_first_layer_sees_pieces_and_the_next_windows() -> None:
    sizes = InspectorSizes(inspector=(10, 20), master=(30,))
    products = 16 * 1024 * 10 + 31 * 10 * 20 + 20 * 30 + 30 * 1
    assert arithmetic(sizes, 16) == 2 * products


def test_threads_take_batches_in_turn_and_all_of_them_count() -> None:
    taken: list[str] = []
    found = in_threads(taken.extend, [["a", "b"], ["c"]], threads=3, seconds=0.01)
    assert found.per_second > 0
    assert set(taken) == {"a", "b", "c"}
    assert abs(2 * taken.count("c") - taken.count("a") - taken.count("b")) <= 2


def test_every_part_runs_once_in_its_order() -> None:
    assert len(PARTS) == len(set(PARTS))
    assert set(PARTS) == set(ALONE) | set(ON_A_NODE)
    assert not set(ALONE) & set(ON_A_NODE)


def test_without_a_gpu_it_says_so_and_measures_nothing() -> None:
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.bench.gpu", "--detector", "html", "--json"],
        cwd=ROOT,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, "")
    assert ended.stderr.splitlines()[-1] == NO_GPU
