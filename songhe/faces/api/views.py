"""The page that explains the interface to whoever connects a system."""

from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from songhe.core.console.views.access import demand_permission, person, signed_in
from songhe.faces.api.operations import api


@signed_in
def home(request: HttpRequest) -> HttpResponse:
    """Show every operation with its parameters and what it answers, by list."""
    demand_permission(person(request), "api.view", "接口说明")
    described = api.get_openapi_schema()
    operations = [
        {"method": method.upper(), "path": path, **told, "body": _body(told, described), "members": _members(told)}
        for path, methods in described["paths"].items()
        for method, told in methods.items()
    ]
    groups = [(tag, list(found)) for tag, found in groupby(operations, key=lambda one: one["tags"][0])]
    return render(request, "api/home.html", {"groups": groups, "base": request.build_absolute_uri("/")[:-1]})


def _body(operation: dict[str, Any], described: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the names of what is sent in the body, each with what it is."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = content["schema"]
        schema = described["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], schema)
        return [(name, member.get("description", "")) for name, member in schema["properties"].items()]
    return []


def _members(operation: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the names of what is answered, each with what people call it; of a list, those of its rows."""
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    rows = schema["properties"].get("rows", {}).get("items", schema)
    return [(name, member.get("description", "")) for name, member in rows["properties"].items()]
