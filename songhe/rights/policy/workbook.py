"""A simulation as a spreadsheet: what officials put before those who decide."""

import io
from collections.abc import Iterable, Sequence
from typing import Any

import xlsxwriter

from songhe.rights.policy.models import Simulation

GROUPS = (("by_area", "按区划"), ("by_kind", "按困难类别"), ("by_age", "按年龄"), ("by_level", "按能力等级"))
_HEAD = (
    "在册人数",
    "现行人数",
    "测算人数",
    "现行每月（元）",
    "测算每月（元）",
    "每月增减（元）",
    "增加人数",
    "减少人数",
)
_COUNTED = ("people", "was_people", "now_people", "was_fen", "now_fen", "difference_fen", "winners", "losers")


def simulation_xlsx(simulation: Simulation) -> bytes:
    """Return a finished simulation as .xlsx: totals and years, each grouping, other benefits, gains and losses."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        results = simulation.results
        _whole(_Sheet(book, "总计"), simulation)
        for key, label in GROUPS:
            _grouped(_Sheet(book, label), label.removeprefix("按"), results[key])
        if results.get("others"):
            _grouped(_Sheet(book, "连带影响"), "其他待遇", results["others"])
        _changes(_Sheet(book, "增减分布"), results["by_change"])
    return target.getvalue()


class _Sheet:
    """A sheet written line by line; names ending in ``_fen`` are sums in fen, written as yuan."""

    def __init__(self, book: Any, title: str) -> None:
        self.sheet = book.add_worksheet(title)
        self.bold = book.add_format({"bold": True, "bg_color": "#EEF2F6"})
        self.money = book.add_format({"num_format": "#,##0.00"})
        self.count = book.add_format({"num_format": "#,##0"})
        self.line = 0
        self.sheet.set_column(0, 0, 30)
        self.sheet.set_column(1, 10, 16)

    def head(self, *labels: str) -> None:
        for place, label in enumerate(labels):
            self.sheet.write_string(self.line, place, label, self.bold)
        self.line += 1

    def row(self, label: str, cells: Iterable[tuple[str, Any]] = ()) -> None:
        self.sheet.write_string(self.line, 0, label)
        for place, (name, value) in enumerate(cells, 1):
            if isinstance(value, str):
                self.sheet.write_string(self.line, place, value)
            elif name.endswith("_fen"):
                self.sheet.write_number(self.line, place, value / 100, self.money)
            else:
                self.sheet.write_number(self.line, place, value, self.count)
        self.line += 1


def _whole(sheet: _Sheet, simulation: Simulation) -> None:
    results = simulation.results
    sheet.head("政策测算", str(simulation.policy_version))
    for label, text in (
        ("依据文件", str(simulation.policy_version.document)),
        ("修改说明", simulation.policy_version.note),
        ("测算基准日", f"{simulation.on:%Y-%m-%d}"),
        ("测算区划", str(simulation.area)),
        ("测算人", str(simulation.asked_by or "")),
        ("模型摘要", simulation.digest),
    ):
        sheet.row(label, [("", text)])
    sheet.line += 1
    sheet.head("每月", *_HEAD)
    sheet.row("合计", _counted(results["total"]))
    sheet.line += 1
    sheet.head("年度", "新规则施行月数", "按现行政策（元）", "按草案（元）", "增减（元）")
    for row in results["by_year"]:
        sheet.row(f"{row['year']}年", _cells(row, ("months", "was_fen", "now_fen", "difference_fen")))
    budget = results["budget"]
    if budget:
        sheet.line += 1
        sheet.head("预算项目", "年度", "本年安排（元）", "尚可使用（元）")
        sheet.row(budget["name"], _cells(budget, ("year", "planned_fen", "free_fen")))


def _grouped(sheet: _Sheet, label: str, rows: Sequence[dict[str, Any]]) -> None:
    sheet.head(label, *_HEAD)
    for row in rows:
        sheet.row(str(row["label"]), _counted(row))


def _changes(sheet: _Sheet, rows: Sequence[dict[str, Any]]) -> None:
    sheet.head("增减", "现行每月（元）", "测算每月（元）", "每月增减（元）", "人数")
    for row in rows:
        word = "增加" if row["difference_fen"] > 0 else "减少"
        sheet.row(word, _cells(row, ("was_fen", "now_fen", "difference_fen", "people")))


def _counted(row: dict[str, Any]) -> list[tuple[str, Any]]:
    return _cells({**row, "difference_fen": row["now_fen"] - row["was_fen"]}, _COUNTED)


def _cells(row: dict[str, Any], names: Sequence[str]) -> list[tuple[str, Any]]:
    return [(name, row[name]) for name in names]
