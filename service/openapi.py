"""The routes into an OpenAPI 3.1 document: the same routes give the same bytes. It reads no request and no database."""

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any

from pydantic import TypeAdapter

from service.errors import PROBLEM_MEDIA_TYPE, Kind, ProblemDocument
from service.routes import JSON, Route

_REF = "#/components/schemas/{model}"
_TAGS = {
    "observations": "What agents hand over and what they may do.",
    "inventory": "The assets of an establishment and the evidence for them.",
    "impact": "Which care stops, for whom, when; and the order in which that should worry us.",
    "declarations": "What people declare: files, and the policy of what may be probed.",
    "jobs": "Long work and its runs.",
    "service": "The service itself.",
}


def openapi(routes: Sequence[Route]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the routes."""
    schemas, definitions = _schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in sorted(routes, key=lambda r: (r.path, r.method)):
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas, definitions)
    parameter_models = {_model(schemas[_key(r, "parameters")]) for r in routes}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Wardgraph",
            "version": version("wardgraph"),
            "summary": "Medical-device inventory that ranks every asset by what its compromise does to patients.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": {name: definitions[name] for name in sorted(definitions) if name not in parameter_models},
            "responses": {_component(kind): _problem(kind) for kind in Kind if _is_used(kind, routes)},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _key(route: Route, part: str) -> str:
    return f"{route.method} {route.path} {part}"


def _schemas(routes: Sequence[Route]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Every schema of every route, and the named definitions they refer to."""
    wanted: list[tuple[str, Any, TypeAdapter[Any]]] = [("problem", "serialization", TypeAdapter(ProblemDocument))]
    for route in routes:
        wanted.append((_key(route, "parameters"), "validation", TypeAdapter(route.signature.parameters)))
        body = route.body_described_by or route.signature.body
        if body not in (None, bytes):
            wanted.append((_key(route, "body"), "validation", TypeAdapter(body)))
        answer = route.answer_described_by or route.signature.answer
        if answer is not bytes:
            wanted.append((_key(route, "answer"), "serialization", TypeAdapter(answer)))
    by_key, described = TypeAdapter.json_schemas(wanted, ref_template=_REF)
    return {str(key): schema for (key, _), schema in by_key.items()}, described.get("$defs", {})


def _model(schema: dict[str, Any]) -> str | None:
    reference = schema.get("$ref")
    return None if reference is None else str(reference).rpartition("/")[2]


def _operation(route: Route, schemas: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": getattr(route.handler, "__name__", route.path),
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": _parameters(route, schemas, definitions),
        "responses": _responses(route, schemas),
    }
    description = (route.handler.__doc__ or "").strip()
    if description:
        operation["description"] = description
    if route.signature.body is not None:
        schema = schemas.get(_key(route, "body"), {"type": "string", "maxLength": route.body_bytes_max})
        operation["requestBody"] = {"required": True, "content": {route.consumes: {"schema": schema}}}
    operation["security"] = [] if route.roles is None else [{"token": []}]
    if route.roles is not None:
        operation["x-roles"] = sorted(route.roles)
    return operation


def _parameters(route: Route, schemas: dict[str, Any], definitions: dict[str, Any]) -> list[dict[str, Any]]:
    declared = schemas[_key(route, "parameters")]
    model = _model(declared)
    described = definitions[model] if model is not None else declared
    required = set(described.get("required", ()))
    return [
        _parameter(name, schema, in_path=name in route.path_parameters, required=name in required)
        for name, schema in described.get("properties", {}).items()
    ]


def _parameter(name: str, schema: dict[str, Any], *, in_path: bool, required: bool) -> dict[str, Any]:
    schema = {key: value for key, value in schema.items() if key != "title"}
    parameter: dict[str, Any] = {"name": name, "in": "path" if in_path else "query", "required": in_path or required}
    if "description" in schema:
        parameter["description"] = schema.pop("description")
    if schema.get("type") == "array":
        parameter |= {"style": "form", "explode": False}
    return parameter | {"schema": schema}


def _responses(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    schema = schemas.get(_key(route, "answer"), {"type": "object" if route.produces == JSON else "string"})
    answered = {"description": route.summary, "content": {route.produces: {"schema": schema}}}
    responses: dict[str, Any] = {str(route.status): answered}
    if route.method == "GET" and route.status == 200:
        responses["304"] = {"description": "It has not changed since the ETag sent in If-None-Match."}
    for kind in route.all_problems:
        responses.setdefault(str(kind.status), _problem_response(route, kind.status))
    return dict(sorted(responses.items()))


def _problem_response(route: Route, status: int) -> dict[str, Any]:
    kinds = [kind for kind in route.all_problems if kind.status == status]
    if len(kinds) == 1:
        return {"$ref": f"#/components/responses/{_component(kinds[0])}"}
    return {"description": "; ".join(f"{k.type}: {k.title}" for k in kinds), "content": _PROBLEM_CONTENT}


_PROBLEM_CONTENT = {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": _REF.format(model=ProblemDocument.__name__)}}}


def _problem(kind: Kind) -> dict[str, Any]:
    return {"description": f"{kind.type}: {kind.title}", "content": _PROBLEM_CONTENT}


def _component(kind: Kind) -> str:
    return "".join(word.capitalize() for word in kind.slug.split("-"))


def _is_used(kind: Kind, routes: Iterable[Route]) -> bool:
    return any(kind in route.all_problems for route in routes)
