"""Places as data: reading a pack, and checking that it is complete and cites its sources.

A pack is a folder with ``pack.yaml`` and tables in CSV. A place inherits from others (``national`` above all): its own
rows come after theirs. Nothing here knows of the database; rooms load their part in their ``packs.py``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from songhe.packs.policies import FORMS, SUBJECTS, problems

PACKS = Path(__file__).resolve().parent
MARKS = ("verified", "single_source", "unverified", "example")


class PackError(Exception):
    """A pack that cannot be read; the message names the file and what is wrong."""


@dataclass(frozen=True)
class Document:
    """A plan, norm or list that rows cite by ``key``."""

    key: str
    title: str
    number: str
    issuer: str
    issued_on: date | None
    mark: str
    summary: str
    clauses: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True)
class Policy:
    """A decision model of a place: its file, what it is called and paid from, and the prefix of its parameters.

    ``subject`` is whom it is for, ``form`` what is given (``policies.SUBJECTS``, ``policies.FORMS``).
    """

    key: str
    name: str
    area: int
    budget_purpose: str
    document: str
    valid_from: date
    parameters: str
    model: Path
    subject: str = "elder"
    form: str = "credit"

    def examples(self) -> list[dict[str, str]]:
        """Return the named test persons that belong to the policy; none if it has no table of them."""
        return list(_read(self.model.with_suffix(".examples.csv")))


@dataclass(frozen=True)
class Problem:
    """Something a pack lacks or says wrongly, and where."""

    where: str
    what: str


@dataclass(frozen=True)
class Pack:
    """One place; ``lineage`` is its folders from the most general to its own."""

    name: str
    title: str
    areas: tuple[int, ...]
    lineage: tuple[Path, ...]
    documents: dict[str, Document]
    policies: tuple[Policy, ...]
    demo: dict[str, Any]

    def table(self, file: str) -> list[dict[str, str]]:
        """Return the rows of a CSV, those of the packs it inherits from first; none if there is no such file."""
        return [row for folder in self.lineage for row in _read(folder / file)]

    def parameters(self) -> list[dict[str, str]]:
        """Return the histories of all figures; a place's own history of a figure replaces the inherited one."""
        found: dict[str, list[dict[str, str]]] = {}
        for folder in self.lineage:
            rows = _read(folder / "parameters.csv")
            for name in {row["name"] for row in rows}:
                found[name] = [row for row in rows if row["name"] == name]
        return [row for name in sorted(found) for row in found[name]]

    def parameters_of(self, policy: Policy) -> list[dict[str, str]]:
        """Return a policy's figures with their first and last days, named without its prefix."""
        prefix = f"{policy.parameters}."
        return [
            {
                "name": row["name"].removeprefix(prefix),
                "value": row["value"],
                "unit": row["unit"],
                "first": row["valid_from"],
                "last": _day_before(row["valid_to"]),
                "document": self.document_text(row["document"]),
                "clause": row["clause"],
                "mark": row["mark"],
            }
            for row in self.parameters()
            if row["name"].startswith(prefix)
        ]

    def document_text(self, key: str) -> str:
        """Return how a document is cited; empty for no key."""
        if not key:
            return ""
        document = self.documents[key]
        return f"《{document.title}》{document.number}"

    def divisions(self) -> list[dict[str, str]]:
        """Return the divisions of the place with their ancestors, parents before children."""
        rows = self.table("areas.csv")
        bounds = [(code, code + _span(code)) for code in self.areas]
        needed = {str(code) for code in self.areas}
        by_code = {row["code"]: row for row in rows}
        for code in list(needed):
            while code := by_code[code]["parent"]:
                needed.add(code)
        return [row for row in rows if row["code"] in needed or _inside(int(row["code"]), bounds)]


def _day_before(text: str) -> str:
    return (date.fromisoformat(text) - timedelta(days=1)).isoformat() if text else ""


def _span(code: int) -> int:
    return next(size for size in (10**10, 10**8, 10**6, 10**3, 1) if code % size == 0)


def _inside(code: int, bounds: list[tuple[int, int]]) -> bool:
    return any(low <= code < high for low, high in bounds)


@cache
def _cached(path: Path, stamp: float) -> tuple[dict[str, str], ...]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return tuple(csv.DictReader(line for line in file if not line.startswith("#")))


def _read(path: Path) -> tuple[dict[str, str], ...]:
    return _cached(path, path.stat().st_mtime) if path.exists() else ()


def list_packs() -> list[str]:
    """Return the names of all places, ``national`` not among them."""
    return sorted(path.parent.name for path in PACKS.glob("*/pack.yaml") if path.parent.name != "national")


def load_pack(name: str) -> Pack:
    """Read a place with all that it inherits.

    Raises:
        PackError: there is no such place, or its ``pack.yaml`` lacks something; the file is named.
    """
    lineage = tuple(_lineage(name))
    documents: dict[str, Document] = {}
    policies: dict[str, Policy] = {}
    areas = [int(code) for code in _yaml(lineage[-1]).get("areas") or []]
    for folder in lineage:
        data = _yaml(folder)
        for entry in data.get("documents") or []:
            document = _document(entry, folder)
            documents[document.key] = document
        for entry in data.get("policies") or []:
            policy = _policy(entry, folder, areas)
            policies[policy.key] = policy
    own = _yaml(lineage[-1])
    demo = lineage[-1] / "demo.yaml"
    return Pack(
        name=name,
        title=own["title"],
        areas=tuple(areas),
        lineage=lineage,
        documents=documents,
        policies=tuple(policies.values()),
        demo=yaml.safe_load(demo.read_text(encoding="utf-8")) if demo.exists() else {},
    )


def _lineage(name: str) -> Iterator[Path]:
    folder = PACKS / name
    if not (folder / "pack.yaml").exists():
        raise PackError(f"没有政策包“{name}”。现有：{'、'.join(list_packs())}。")
    for parent in _yaml(folder).get("inherits") or []:
        yield from _lineage(parent)
    yield folder


def _yaml(folder: Path) -> dict[str, Any]:
    data = yaml.safe_load((folder / "pack.yaml").read_text(encoding="utf-8"))
    if not isinstance(data, dict) or "title" not in data:
        raise PackError(f"{folder.name}/pack.yaml 缺少 title。")
    return data


def _document(entry: dict[str, Any], folder: Path) -> Document:
    try:
        issued = entry.get("date")
        return Document(
            key=str(entry["key"]),
            title=str(entry["title"]),
            number=str(entry.get("number") or ""),
            issuer=str(entry.get("issuer") or ""),
            issued_on=issued if isinstance(issued, date) else None,
            mark=str(entry["mark"]),
            summary=str(entry.get("summary") or ""),
            clauses=tuple(
                {"clause": str(clause["clause"]), "text": str(clause["text"])} for clause in entry.get("clauses") or []
            ),
        )
    except KeyError as error:
        raise PackError(f"{folder.name}/pack.yaml 的文件条目缺少 {error}。") from error


def _policy(entry: dict[str, Any], folder: Path, areas: list[int]) -> Policy:
    """Read a policy; one without an area of its own holds for the place that loads it."""
    try:
        valid_from = entry["valid_from"]
        if not isinstance(valid_from, date):
            raise PackError(f"{folder.name}/pack.yaml 的政策“{entry['key']}”生效日期不正确。")
        return Policy(
            key=str(entry["key"]),
            name=str(entry["name"]),
            area=int(str(entry["area"])) if "area" in entry else (areas[0] if areas else 0),
            budget_purpose=str(entry["budget_purpose"]),
            document=str(entry["document"]),
            valid_from=valid_from,
            parameters=str(entry["parameters"]),
            model=folder / "policies" / str(entry["model"]),
            subject=str(entry.get("subject") or "elder"),
            form=str(entry.get("form") or "credit"),
        )
    except KeyError as error:
        raise PackError(f"{folder.name}/pack.yaml 的政策条目缺少 {error}。") from error


# --- checking --------------------------------------------------------------------------------------------------


def check_pack(name: str) -> list[Problem]:
    """Return everything wrong with a place: rows without a source, unknown codes, wrong dates and numbers."""
    pack = load_pack(name)
    problems = list(_check_documents(pack)) + list(_check_tables(pack)) + list(_check_policies(pack))
    known = {row["code"] for row in pack.table("areas.csv")}
    problems += [
        Problem(f"{name}/pack.yaml", f"区划代码 {code} 不在 areas.csv 中")
        for code in pack.areas
        if str(code) not in known
    ]
    return problems


def _check_documents(pack: Pack) -> Iterator[Problem]:
    for document in pack.documents.values():
        if document.mark not in MARKS:
            yield Problem(f"文件 {document.key}", f"核实情况“{document.mark}”不在 {'、'.join(MARKS)} 之中")


def _check_tables(pack: Pack) -> Iterator[Problem]:
    for folder in pack.lineage:
        for path in sorted(folder.glob("*.csv")):
            for number, row in enumerate(_read(path), 2):
                where = f"{folder.name}/{path.name} 第 {number} 行"
                yield from _check_row(pack, row, where)


def _check_row(pack: Pack, row: dict[str, str], where: str) -> Iterator[Problem]:
    if "mark" in row and row["mark"] not in MARKS:
        yield Problem(where, f"核实情况“{row['mark']}”不在 {'、'.join(MARKS)} 之中")
    if "document" in row and not row["document"] and row.get("mark") != "example":
        yield Problem(where, "没有依据文件，也没有标为 example")
    if row.get("document") and row["document"] not in pack.documents:
        yield Problem(where, f"依据文件“{row['document']}”不在 pack.yaml 的 documents 中")
    for column, text in row.items():
        if column in ("valid_from", "valid_to") and text and not _is_date(text):
            yield Problem(where, f"{column}“{text}”不是日期")
        if column and (column.endswith("_fen") or column == "value") and text and not _is_number(text):
            yield Problem(where, f"{column}“{text}”不是数")


def _check_policies(pack: Pack) -> Iterator[Problem]:
    for policy in pack.policies:
        if not policy.model.exists():
            yield Problem(f"政策 {policy.key}", f"没有模型文件 {policy.model.name}")
            continue
        if policy.document not in pack.documents:
            yield Problem(f"政策 {policy.key}", f"依据文件“{policy.document}”不在 documents 中")
        if policy.subject not in SUBJECTS or policy.form not in FORMS:
            yield Problem(f"政策 {policy.key}", f"对象“{policy.subject}”或形式“{policy.form}”不认识")
        if not policy.examples():
            yield Problem(f"政策 {policy.key}", f"没有示例人员 {policy.model.stem}.examples.csv")
        for what in problems(
            policy.model.read_text(encoding="utf-8"),
            subject=policy.subject,
            form=policy.form,
            parameters=pack.parameters_of(policy),
            examples=policy.examples(),
            on=_latest(policy, pack),
            since=policy.valid_from,
            documents={document.title for document in pack.documents.values()},
        ):
            yield Problem(f"政策 {policy.key}", what)


def _latest(policy: Policy, pack: Pack) -> date:
    """Return the first day of the newest figures: what a policy's examples speak of."""
    return max([policy.valid_from, *(date.fromisoformat(row["first"]) for row in pack.parameters_of(policy))])


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_number(text: str) -> bool:
    try:
        Decimal(text)
    except InvalidOperation:
        return False
    return True
