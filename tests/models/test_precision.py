from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from models.artefact import load
from models.artefact.precision import (
    LARGEST_INT8,
    MIXED,
    PRECISIONS,
    bytes_of,
    computed,
    layout,
    narrowed,
    precision_of,
    scale_of,
)
from tests.models.networks import GRAMS, random_tensors, save_artefact

TABLE = "grams/vectors"
NUMBERS = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
    elements=st.floats(-1e4, 1e4, width=32),
)


@given(NUMBERS)
def test_a_table_in_int8_is_off_by_half_a_step_of_its_column_at_most(
    table: NDArray[np.float32],
) -> None:
    stored = narrowed({TABLE: table}, {TABLE})
    assert stored[TABLE].dtype == np.int8
    step = np.abs(table).max(axis=0) / LARGEST_INT8
    off = np.abs(computed(stored)[TABLE] - table)
    # Above half a step by what float32 rounds of the largest number.
    assert (off <= 0.5 * step + 1e-6 * np.abs(table).max(axis=0) + 1e-30).all()


@given(NUMBERS)
def test_what_is_no_table_is_stored_in_halves(tensor: NDArray[np.float32]) -> None:
    stored = narrowed({"dense_1/kernel": tensor}, {TABLE})
    assert precision_of(stored) == "float16"
    assert np.array_equal(
        computed(stored)["dense_1/kernel"], tensor.astype(np.float16).astype(np.float32)
    )


def test_numbers_beyond_halves_stay_finite() -> None:
    stored = narrowed({"logit/bias": np.array([1e30, -1e30], np.float32)}, set())
    assert np.isfinite(computed(stored)["logit/bias"]).all()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_an_artefact_of_any_precision_is_loaded_as_it_is_computed_with(
    tmp_path: Path, precision: str
) -> None:
    tensors = save_artefact(tmp_path, GRAMS, precision=precision)
    written = load(tmp_path)
    assert set(written.tensors) == set(GRAMS.shapes())
    for name, tensor in written.tensors.items():
        assert tensor.dtype == np.float32
        assert np.array_equal(tensor, tensors[name])
    for engine in ("keras", "tables"):
        written.engine(engine)


def test_a_mixed_file_is_as_long_as_its_layout_says_but_for_the_header(tmp_path: Path) -> None:
    stored = narrowed(random_tensors(GRAMS), GRAMS.tables)
    told = layout(GRAMS.shapes(), MIXED, GRAMS.tables)
    assert {name: shape for name, (_, shape) in told.items()} == {
        name: tensor.shape for name, tensor in stored.items()
    }
    assert bytes_of(told) == sum(tensor.nbytes for tensor in stored.values())
    assert told[scale_of(TABLE)] == ("F32", (GRAMS.gram_units,))
