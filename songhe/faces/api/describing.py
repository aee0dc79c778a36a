"""What OpenAPI tells of the lists: their parameters, the members of their rows, and what may go wrong."""

from collections.abc import Sequence
from typing import Any

from django import forms

from songhe.core.console.pages import Pages
from songhe.faces.api.asking import OF, RunForm, filter_form_of, parameters_of
from songhe.faces.api.values import Item, Schema, items_of

PROBLEM: Schema = {
    "type": "object",
    "description": "RFC 9457",
    "properties": {
        "status": {"type": "integer"},
        "title": {"type": "string"},
        "detail": {"type": "string", "description": "错在哪里、怎么办"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"where": {"type": "string"}, "message": {"type": "string"}},
                "required": ["where", "message"],
            },
        },
        "reference": {"type": "string", "description": "报修时的编号"},
    },
    "required": ["status", "title", "detail"],
}
PROBLEMS = {
    "400": "请求看不懂，如正文不是 JSON",
    "401": "没有登录，或密钥无效、过期、停用",
    "403": "角色没有这项权限",
    "404": "没有这条记录，或者不在管辖范围内",
    "409": "规则不允许",
    "422": "参数有误",
    "429": "请求太频繁",
    "503": "正忙，稍候再试",
}
SAID = {"pk": "记录的编号（id）", "roll": "名册的编号（id）", "q": "要找的姓名、名称、住址等"}
ERROR: Schema = {
    "type": "object",
    "properties": {
        "column": {"type": "string", "description": "哪一列"},
        "wrong": {"type": "string", "description": "错在哪里"},
        "todo": {"type": "string", "description": "怎么办"},
    },
}
DELIVERY: Schema = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "stage": {"type": "string", "description": "进度：待核对、待导入、已导入、已撤销"},
        "job": {"type": "string", "description": "大名册在后台核对：waiting、running、failed"},
        "refusal": {"type": "string", "description": "没有核对的原因"},
        "as_of": {"type": "string", "format": "date", "description": "名册日期"},
        "rows_read": {"type": "integer", "description": "行数"},
        "rows_skipped": {"type": "integer", "description": "跳过的空行、合计行"},
        "verdicts": {"type": "object", "additionalProperties": {"type": "integer"}, "description": "核对结果的行数"},
        "applied": {"type": "integer", "description": "已导入的行数"},
        "wrong": {
            "type": "array",
            "description": "有问题的行，最多 500 行",
            "items": {
                "type": "object",
                "properties": {"line": {"type": "integer"}, "errors": {"type": "array", "items": ERROR}},
            },
        },
    },
}
GROUP: Schema = {
    "type": "object",
    "properties": {
        "list": {"type": "string"},
        "label": {"type": "string"},
        "rows": {
            "type": "array",
            "items": {"type": "object", "properties": {n: {"type": "string"} for n in ("id", "label", "note")}},
        },
        "more": {"type": "boolean"},
    },
}


def complete(schema: dict[str, Any], served: Sequence[Pages]) -> None:
    """Add to Ninja's description what it cannot know."""
    operations = {one["operationId"]: one for methods in schema["paths"].values() for one in methods.values()}
    schema["components"]["schemas"]["Problem"] = PROBLEM
    told = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operation in operations.values():
        for parameter in operation["parameters"]:
            parameter.setdefault("description", SAID.get(parameter["name"], ""))
        operation["responses"] = {str(status): answer for status, answer in operation["responses"].items()}
        operation["responses"] |= {code: {"description": why, "content": told} for code, why in PROBLEMS.items()}
    found = _object({"found": _array(GROUP), "nearby": {**_array(GROUP), "description": "差一点相符的"}})
    _answer(operations["search"], found)
    _answer(operations["search-numbers"], found)
    _answer(operations["deliver"], DELIVERY)
    _answer(operations["delivery"], DELIVERY)
    entry = _object({"list": {"type": "string"}, "label": {"type": "string"}})
    area: Schema = {"type": ["string", "null"], "description": "负责区划的代码"}
    account: dict[str, Schema] = {"account": {"type": "string"}, "role": {"type": "string"}, "area": area}
    _answer(operations["lists"], _object({**account, "lists": _array(entry)}))
    for pages in served:
        _describe(pages, operations)


def _describe(pages: Pages, operations: dict[str, Any]) -> None:
    listed = operations[f"{pages.key}-list"]
    listed["description"] = f"{pages.explain}需要 {pages.permission('view')} 权限。"
    listed["parameters"] = list(_parameters(pages))
    row = _object(_members(items_of(pages, pages.all_columns)), required=["id"])
    counted = {"count": {"type": "integer"}, "count_is_exact": {"type": "boolean"}}
    following = {"type": ["string", "null"], "description": "还有时，写进下一次的 cursor"}
    _answer(listed, _object({"rows": _array(row), "next": following, **counted}, required=["rows", "next"]))
    one = items_of(pages, [*pages.all_columns, *pages.fact_columns])
    _answer(operations[f"{pages.key}-get"], _object(_members(one)))
    if numbers := operations.get(f"{pages.key}-reveal"):
        numbers["description"] = (
            f"可以查看：{'、'.join(pages.revealable())}。需要 {pages.permission('reveal')} 权限，逐次登记。"
        )
        _answer(numbers, _object({"value": {"type": "string"}}))


def _parameters(pages: Pages) -> Any:
    for name, field, _end in parameters_of(RunForm()):
        if name != "q":
            yield _parameter(name, field, str(field.label))
        elif pages.searchable:
            yield _parameter(name, field, f"{pages.search_hint}；号码只能用 POST /api/v1/search")
    filters = filter_form_of(pages)
    for name, field, end in parameters_of(filters) if filters is not None else ():
        yield _parameter(name, field, f"{str(field.label).replace('（元）', '（分）')}{end}")
    if pages.under:
        yield _parameter(OF, forms.CharField(), "只取一条记录名下的行，如 elders-elder:<id>")


def _parameter(name: str, field: forms.Field, label: str) -> dict[str, Any]:
    schema = _schema_of(name, field)
    choices = [] if hasattr(field, "queryset") else [pair for pair in getattr(field, "choices", ()) if pair[0] != ""]
    if choices:
        schema["enum"] = [str(code) for code, _label in choices]
        label += "：" + "、".join(f"{code} {text}" for code, text in choices)
    return {"in": "query", "name": name, "required": False, "schema": schema, "description": label}


def _schema_of(name: str, field: forms.Field) -> Schema:
    if isinstance(field, forms.BooleanField | forms.NullBooleanField):
        return {"type": "boolean"}
    if isinstance(field, forms.IntegerField):
        bounds = {"minimum": field.min_value, "maximum": field.max_value}
        return {"type": "integer", **{key: value for key, value in bounds.items() if value is not None}}
    if "_fen_" in name:
        return {"type": "integer"}
    parts = getattr(field, "fields", None) or [field]
    if any(isinstance(part, forms.DateField | forms.DateTimeField) for part in parts):
        return {"type": "string", "format": "date"}
    return {"type": "number"} if any(isinstance(part, forms.DecimalField) for part in parts) else {"type": "string"}


def _members(items: dict[str, Item]) -> dict[str, Schema]:
    return {"id": {"type": "string"}, **{name: item.schema for name, item in items.items()}}


def _object(properties: dict[str, Schema], required: list[str] | None = None) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties) if required is None else required}


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _answer(operation: dict[str, Any], schema: Schema) -> None:
    operation["responses"]["200"] = {"description": "OK", "content": {"application/json": {"schema": schema}}}
