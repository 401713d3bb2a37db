"""The OpenAPI document says exactly what the server does, in the words of the specification."""

import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from service.app import ROUTES
from service.openapi import openapi

DOCUMENT: dict[str, Any] = orjson.loads(orjson.dumps(openapi(ROUTES)))
OPERATIONS = [(path, method, op) for path, item in DOCUMENT["paths"].items() for method, op in item.items()]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def test_every_route_is_documented_and_nothing_else() -> None:
    assert {(m.upper(), p) for p, m, _ in OPERATIONS} == {(r.method, r.path) for r in ROUTES}


def test_the_same_routes_give_the_same_bytes() -> None:
    assert orjson.dumps(openapi(ROUTES)) == orjson.dumps(openapi(tuple(reversed(ROUTES))))


def test_every_reference_leads_somewhere() -> None:
    for reference in references(DOCUMENT):
        place: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
        assert place


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(ids) == len(set(ids))


def test_every_parameter_in_a_path_is_declared_and_required() -> None:
    for path, _, operation in OPERATIONS:
        declared = {p["name"]: p for p in operation["parameters"] if p["in"] == "path"}
        assert set(declared) == set(re.findall(r"\{(\w+)\}", path))
        assert all(parameter["required"] for parameter in declared.values())


def test_every_guarded_operation_names_its_roles_and_its_refusals() -> None:
    for path, _, operation in OPERATIONS:
        if operation["security"]:
            assert operation["x-roles"], path
            assert {"401", "403"} <= set(operation["responses"])
        else:
            assert "x-roles" not in operation


def test_every_tag_is_explained() -> None:
    assert {tag for _, _, op in OPERATIONS for tag in op["tags"]} == {tag["name"] for tag in DOCUMENT["tags"]}


def test_the_specification_finds_nothing_wrong() -> None:
    validator = pytest.importorskip("openapi_spec_validator", reason="openapi-spec-validator is not installed")
    assert validator.validate(DOCUMENT) is None
