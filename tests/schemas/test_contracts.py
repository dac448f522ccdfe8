from __future__ import annotations

import orjson
import pytest
from jsonschema import Draft202012Validator

from schemas.contracts import CONTRACTS, contract, contract_text
from schemas.errors import UnknownContractError


@pytest.mark.parametrize("name", CONTRACTS)
def test_contracts_are_sound_schemas_whose_examples_hold(name: str) -> None:
    schema = contract(name)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    assert schema["examples"]
    for example in schema["examples"]:
        validator.validate(example)


@pytest.mark.parametrize("name", CONTRACTS)
def test_contracts_explain_themselves(name: str) -> None:
    schema = contract(name)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:fishweir:contract:{name}:1"
    described = [*schema["properties"].values(), schema]
    assert all("description" in part for part in described)


@pytest.mark.parametrize("name", CONTRACTS)
def test_contract_text_is_the_file(name: str) -> None:
    assert orjson.loads(contract_text(name)) == contract(name)


@pytest.mark.parametrize("name", ["verdicts", "", "../pyproject", "Verdict"])
def test_unknown_contracts_are_errors_that_name_the_known(name: str) -> None:
    with pytest.raises(
        UnknownContractError, match="telemetry-url, telemetry-path, telemetry-html, verdict"
    ):
        contract(name)
