from __future__ import annotations

import orjson
import pytest
from jsonschema import Draft202012Validator

from schemas.contracts import CONTRACTS
from workers.cli.main import run


@pytest.mark.parametrize("contract", CONTRACTS)
def test_prints_a_json_schema(contract: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", contract]) == 0

    schema = orjson.loads(capsys.readouterr().out)
    Draft202012Validator.check_schema(schema)
    assert schema["title"]


def test_prints_all_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema"]) == 0

    assert tuple(orjson.loads(capsys.readouterr().out)) == CONTRACTS


def test_knows_no_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", "alert"]) == 2
