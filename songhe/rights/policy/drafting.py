"""A decision model between the house and the editor in the browser, and two models side by side, rule by rule.

The editor (dmn-js) reads DMN 1.3 and keeps a rule's note in ``description``; the house writes DMN 1.5 and keeps the
clause in ``annotationEntry``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from xml.etree import ElementTree

from songhe.core.console.display import yuan
from songhe.core.errors import Refused
from songhe.engines.policy.wording import FEN
from songhe.packs.policies import PARAMETERS

HOUSE = "https://www.omg.org/spec/DMN/20230324/MODEL/"
EDITOR = "https://www.omg.org/spec/DMN/20191111/MODEL/"
_DIAGRAMS = ("https://www.omg.org/spec/DMN/20230324/DMNDI/", "https://www.omg.org/spec/DMN/20191111/DMNDI/")
_TEXT = re.compile(r'"([^"]*)"')
_FIGURE = re.compile(rf"{PARAMETERS}\.(\w+)")
LONGEST = 5_000_000

for _prefix, _uri in (
    ("dmndi", _DIAGRAMS[0]),
    ("dmndi", _DIAGRAMS[1]),
    ("dc", "http://www.omg.org/spec/DMN/20180521/DC/"),
    ("di", "http://www.omg.org/spec/DMN/20180521/DI/"),
):
    ElementTree.register_namespace(_prefix, _uri)

Element = ElementTree.Element


def to_editor(text: str) -> str:
    """Return a model as the editor reads it."""
    root = _root(text.replace(HOUSE, EDITOR).replace(*_DIAGRAMS))
    for rule in root.iter(f"{{{EDITOR}}}rule"):
        clauses = [_text(entry) for entry in rule.findall(f"{{{EDITOR}}}annotationEntry")]
        for entry in rule.findall(f"{{{EDITOR}}}annotationEntry"):
            rule.remove(entry)
        if clauses:
            description = Element(f"{{{EDITOR}}}description")
            description.text = "；".join(filter(None, clauses))
            rule.insert(0, description)
    for table in root.iter(f"{{{EDITOR}}}decisionTable"):
        for annotation in table.findall(f"{{{EDITOR}}}annotation"):
            table.remove(annotation)
    return _written(root, EDITOR)


def from_editor(text: str) -> str:
    """Return a model that the editor wrote as the house keeps it.

    Raises:
        Refused: it is no XML, too long, or declares entities.
    """
    root = _root(text)
    uri = root.tag.partition("}")[0].lstrip("{")
    for table in root.iter(f"{{{uri}}}decisionTable"):
        if table.find(f"{{{uri}}}annotation") is None:
            place = len(table.findall(f"{{{uri}}}input")) + len(table.findall(f"{{{uri}}}output"))
            table.insert(place, Element(f"{{{uri}}}annotation", {"name": "依据"}))
        for rule in table.findall(f"{{{uri}}}rule"):
            description = rule.find(f"{{{uri}}}description")
            if description is not None:
                rule.remove(description)
            entry = ElementTree.SubElement(rule, f"{{{uri}}}annotationEntry")
            ElementTree.SubElement(entry, f"{{{uri}}}text").text = (
                (description.text or "").strip() if description is not None else ""
            )
    return _written(root, uri).replace(uri, HOUSE).replace(_DIAGRAMS[1], _DIAGRAMS[0])


def _root(text: str) -> Element:
    if len(text) > LONGEST:
        raise Refused("决策模型太大。")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise Refused("决策模型不得含有 DOCTYPE 或实体声明。")
    try:
        return ElementTree.fromstring(text)  # noqa: S314 – declarations, the danger, were refused above
    except ElementTree.ParseError as error:
        line, column = error.position
        raise Refused(f"不是有效的 XML：第 {line} 行第 {column + 1} 个字符处有误。") from error


def _written(root: Element, uri: str) -> str:
    ElementTree.register_namespace("", uri)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode")


def _text(element: Element) -> str:
    return "".join(child.text or "" for child in element if child.tag.endswith("}text")).strip()


def words_of(text: str) -> dict[str, list[str]]:
    """Return the words that a model's tables test each input for, in their order: what a form may offer."""
    found: dict[str, list[str]] = {}
    for table in _all(_root(text), "decisionTable"):
        columns = [_text(expression) for column in _of(table, "input") for expression in _of(column, "inputExpression")]
        for rule in _of(table, "rule"):
            for column, cell in zip(columns, _of(rule, "inputEntry"), strict=False):
                words = found.setdefault(column, [])
                words += [word for word in _TEXT.findall(_text(cell)) if word not in words]
    return {name: words for name, words in found.items() if words}


# --- side by side ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """One line of two versions: where it is, what stood there, what stands there; ``kind`` is same, added …"""

    clause: str
    before: str
    after: str

    @property
    def kind(self) -> str:
        """Tell whether the line is the same, changed, added or removed."""
        if self.before == self.after:
            return "same"
        return "added" if not self.before else "removed" if not self.after else "changed"


def compared(before: dict[str, list[str]], after: dict[str, list[str]]) -> list[Difference]:
    """Lay two sets of lines by clause side by side, in the order of the later set; lines alike stay together."""
    found = []
    for clause in list(dict.fromkeys([*after, *before])):
        old, new = before.get(clause, []), after.get(clause, [])
        gone = [line for line in old if line not in new]
        for line in new:
            stood = line if line in old else (gone.pop(0) if gone else "")
            found.append(Difference(clause, stood, line))
        found += [Difference(clause, line, "") for line in gone]
    return found


def lines_of(
    text: str, words: Mapping[str, str] | None = None, figures: Mapping[str, str] | None = None
) -> dict[str, list[str]]:
    """Return a model's rules as sentences, by the clause they cite; what cites none is under its decision's name.

    ``words`` gives codes their names, ``figures`` the parameters' names what is said after them, their value.
    """
    found: dict[str, list[str]] = {}
    for clause, line in _lines(_root(text), words or {}):
        found.setdefault(clause, []).append(_figures_named(line, figures or {}))
    return found


def figures_in_words(parameters: Sequence[Mapping[str, Any]], on: date) -> dict[str, str]:
    """Return each parameter's value in force on a day, as people write it: 60 周岁, 200.00 元."""
    day = on.isoformat()
    return {
        row["name"]: figure_in_words(row["value"], row["unit"])
        for row in parameters
        if row["first"] <= day <= (row["last"] or "9999-12-31")
    }


def figure_in_words(value: str, unit: str) -> str:
    """Write a parameter's value and unit: money in yuan; what is no whole number of fen stays as it is typed."""
    if unit == FEN and re.fullmatch(r"-?\d+", value):
        return f"{yuan(int(value))} 元"
    return f"{value} {unit}".strip()


def _figures_named(line: str, figures: Mapping[str, str]) -> str:
    """Call parameters by their own names, with their values where they are known."""
    return _FIGURE.sub(lambda found: found[1] + (f"（{figures[found[1]]}）" if found[1] in figures else ""), line)


def _lines(root: Element, words: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for decision in _all(root, "decision"):
        name = decision.get("name", "")
        for expression in _of(decision, "literalExpression"):
            yield name, f"{name} = {_text(expression)}"
        for table in _of(decision, "decisionTable"):
            labels = [column.get("label") or "" for column in _of(table, "input")]
            for rule in _of(table, "rule"):
                cells = [_text(cell) for cell in _of(rule, "inputEntry")]
                tests = [
                    f"{label}{cell_in_words(cell, words)}"
                    for label, cell in zip(labels, cells, strict=False)
                    if cell not in ("", "-")
                ]
                results = "、".join(_result_in_words(_text(cell), words) for cell in _of(rule, "outputEntry"))
                clause = "；".join(filter(None, (_text(entry) for entry in _of(rule, "annotationEntry"))))
                yield clause or name, f"{name}：{'，'.join(tests) or '其他情形'} → {results}"


_PLAIN = {
    "true": "为是",
    "false": "为否",
    "not(true)": "为否或不明",
    "not(false)": "为是或不明",
    "null": "不明",
    "not(null)": "已知",
}
_TRUTHS = {"true": "是", "false": "否"}
_SIGNS = {"<": "小于", "<=": "不大于", ">": "大于", ">=": "不小于", "=": "为", "!=": "不为"}
_NAMED = r'"[^"]*"(?:\s*,\s*"[^"]*")*'
_CONTAINS = re.compile(r'list contains\(\?,\s*("[^"]*")\)')
_COMPARED = re.compile(r"(<=|>=|!=|<|>|=)\s*([^\s,]+)")
_SPAN = re.compile(r"([\[(\]])\s*([^\s,.]+(?:\.[^\s,.]+)*)\s*\.\.\s*([^\s,.]+(?:\.[^\s,.]+)*)\s*([\])\[])")


def cell_in_words(cell: str, words: Mapping[str, str]) -> str:
    """Say in Chinese what a cell asks; one that asks more than policies usually do stays as it is written."""

    def named(text: str) -> str:
        return "、".join(words.get(word, word) for word in _TEXT.findall(text))

    if cell in _PLAIN:
        return _PLAIN[cell]
    if re.fullmatch(_NAMED, cell):
        return f"为{named(cell)}"
    if found := re.fullmatch(rf"not\(({_NAMED})\)", cell):
        return f"不为{named(found[1])}"
    if found := _COMPARED.fullmatch(cell):
        return f"{_SIGNS[found[1]]}{found[2]}"
    if found := _SPAN.fullmatch(cell):
        low, high = ("含" if found[1] == "[" else "不含"), ("含" if found[4] == "]" else "不含")
        return f"从 {found[2]}（{low}）到 {found[3]}（{high}）"
    asked = re.split(r"\s+(and|or)\s+", cell)
    if len(set(asked[1::2])) <= 1 and all(_CONTAINS.fullmatch(each) for each in asked[::2]):
        return f"含{('和' if 'and' in asked[1::2] else '或').join(named(each) for each in asked[::2])}"
    return f" {cell}"


def _result_in_words(cell: str, words: Mapping[str, str]) -> str:
    """Say what a rule answers; a text stands for itself, what is computed stays as it is written."""
    if re.fullmatch(_TEXT, cell):
        return words.get(cell[1:-1], cell[1:-1])
    return _TRUTHS.get(cell, cell)


def _of(element: Element, tag: str) -> list[Element]:
    return [child for child in element if child.tag.endswith(f"}}{tag}")]


def _all(root: Element, tag: str) -> list[Element]:
    return [element for element in root.iter() if element.tag.endswith(f"}}{tag}")]
