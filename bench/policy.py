# ruff: noqa: E501 (the model's text is easier read in whole lines)
"""How fast a policy is computed, against its limit and its peers.

    python -m bench.policy 1000000            # in an environment with requirements-bench.lock

One decision with its trace, against SpiffWorkflow's and pyDMNrules' on the same table; a city's pack on a parquet file
of so many persons in DuckDB on two threads, against OpenFisca-core with the same rules and against the bare scan of the same
columns; then three and ten times as many, with the memory each took. Prints ratios; processor time is what counts.
"""

import importlib.util
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from songhe.engines.policy import Model, evaluate, load_model
from songhe.engines.policy.columns import compile_model

LIMIT_SECONDS_A_MILLION = 5
THREADS = 2
GROWTH = (1, 3, 10)
NS = "https://www.omg.org/spec/DMN/20230324/MODEL/"
INPUTS = {"年龄": "number", "能力等级": "number", "月收入": "number", "低保": "boolean", "特困": "boolean", "失独": "boolean", "独居": "boolean", "户籍": "boolean"}  # fmt: skip
# Rows of a table: a test for each input, the answer, the clause. The figures are the bench's own.
HARDSHIP = [
    ('-', 'true', '-', '-', '"特困"'), ('true', '-', '-', '-', '"低保"'), ('-', '-', 'true', '-', '"失独"'),
    ('-', '-', '-', '< 1500', '"低收入"'), ('-', '-', '-', '-', '"无"'),
]  # fmt: skip
LEVEL_FEN = {"特困": (80000, 60000, 40000, 20000), "低保": (70000, 50000, 30000, 15000), "失独": (60000, 40000, 20000, 10000), "低收入": (40000, 30000, 15000, 10000)}  # fmt: skip
AGE_FEN = ((100, 50000), (90, 20000), (80, 10000))


def model_text() -> str:
    """Return the pack as DMN: hardship, subsidy by hardship and level, old-age allowance, extras, the better of two, share."""
    subsidy = [
        ("true", f'"{hardship}"', ">= 60", str(4 - place), str(fen))
        for hardship, row in LEVEL_FEN.items()
        for place, fen in enumerate(row)
    ]
    allowance = [
        ("true", f"[{age}..{upper})", str(fen)) for (age, fen), upper in zip(AGE_FEN, (200, 100, 90), strict=True)
    ]
    extra = [("true", ">= 80", "5000"), ("true", "[70..80)", "2000")]
    return (
        f'<definitions xmlns="{NS}" name="bench">'
        + "".join(
            f'<inputData id="{name}" name="{name}"><variable typeRef="{kind}"/></inputData>'
            for name, kind in INPUTS.items()
        )
        + _table("困难类别", ("低保", "特困", "失独", "月收入"), HARDSHIP, "FIRST")
        + _table("补贴", ("户籍", "困难类别", "年龄", "能力等级"), subsidy, "UNIQUE", "0")
        + _table("津贴", ("户籍", "年龄"), allowance, "UNIQUE", "0")
        + _table("加发", ("独居", "年龄"), extra, "UNIQUE", "0")
        + _expression("月度额度", ("补贴", "津贴", "加发"), "max(补贴, 津贴) + 加发")
        + _expression("财政负担", ("月度额度", "低保"), "if 低保 then 月度额度 else round half up(月度额度 * 0.85, 0)")
        + "</definitions>"
    )


def _table(name: str, inputs: tuple[str, ...], rows: list[Any], policy: str, default: str = "") -> str:
    columns = "".join(f"<input><inputExpression><text>{each}</text></inputExpression></input>" for each in inputs)
    spare = f"<defaultOutputEntry><text>{default}</text></defaultOutputEntry>" if default else ""
    rules = "".join(
        "<rule>" + "".join(f"<inputEntry><text>{cell.replace('<', '&lt;')}</text></inputEntry>" for cell in cells)
        + f"<outputEntry><text>{answer}</text></outputEntry></rule>"
        for *cells, answer in rows
    )  # fmt: skip
    return (
        f'<decision id="{name}" name="{name}"><variable name="{name}"/>{_requires(inputs)}'
        f'<decisionTable hitPolicy="{policy}">{columns}<output name="{name}">{spare}</output>{rules}</decisionTable></decision>'
    )


def _expression(name: str, inputs: tuple[str, ...], text: str) -> str:
    return f'<decision id="{name}" name="{name}">{_requires(inputs)}<literalExpression><text>{text}</text></literalExpression></decision>'


def _requires(names: tuple[str, ...]) -> str:
    return "".join(
        f'<informationRequirement><{"requiredInput" if name in INPUTS else "requiredDecision"} href="#{name}"/></informationRequirement>'
        for name in names
    )


def populate(path: Path, people: int) -> None:
    """Write so many persons, the same each time."""
    duckdb.connect().execute(
        f"""COPY (SELECT (60 + hash(i) % 45)::SMALLINT AS "年龄", (hash(i + 1) % 6)::SMALLINT AS "能力等级",
            ((hash(i + 2) % 900000) / 100)::DECIMAL(12, 2) AS "月收入", hash(i + 3) % 20 = 0 AS "低保",
            hash(i + 4) % 50 = 0 AS "特困", hash(i + 5) % 40 = 0 AS "失独", hash(i + 6) % 5 = 0 AS "独居",
            hash(i + 7) % 10 > 0 AS "户籍" FROM range({people}) r(i)) TO '{path}' (FORMAT parquet)"""
    )


def timed(run: Callable[[], Any]) -> tuple[float, float, Any]:
    """Return wall seconds, processor seconds, and the result."""
    wall, used = time.perf_counter(), time.process_time()
    result = run()
    return time.perf_counter() - wall, time.process_time() - used, result


# --- one decision -------------------------------------------------------------------------------------------------

ONE = {
    "年龄": 72,
    "能力等级": 3,
    "月收入": Decimal(900),
    "低保": True,
    "特困": False,
    "失独": False,
    "独居": True,
    "户籍": True,
}


def one_decision(model: Model, folder: Path) -> None:
    """Print microseconds for one person with trace, and of the peers on the same table."""
    table = load_model(
        f'<definitions xmlns="{NS}" id="d" namespace="urn:b" name="one">'
        + "".join(f'<inputData id="{name}" name="{name}"/>' for name in ("age", "level"))
        + _one_table() + "</definitions>"
    )  # fmt: skip
    facts = {"age": 72, "level": 3}
    ours = _each(lambda: evaluate(table, facts).trace_as_json())
    print(
        f"one table of {len(_ONE_ROWS)} rules with trace: {ours:.0f} µs; the whole pack: {_each(lambda: evaluate(model, ONE).trace_as_json()):.0f} µs"
    )
    for name, run in (("SpiffWorkflow", _spiff), ("pyDMNrules", _pydmnrules)):
        try:
            theirs = _each(run(folder, facts))
        except Exception as error:
            print(f"  {name}: not run ({type(error).__name__}: {error})")
        else:
            print(f"  {name}: {theirs:.0f} µs, ratio ours/theirs {ours / theirs:.2f}")


_ONE_ROWS = [
    (f"[{low}..{low + 4}]", str(level), str(low * 100 + level)) for low in range(60, 100, 5) for level in range(5)
]


def _one_table(version: str = "") -> str:
    columns = "".join(
        f'<input id="in_{name}" label="{name}"><inputExpression id="ie_{name}" typeRef="number"><text>{name}</text></inputExpression></input>'
        for name in ("age", "level")
    )
    rules = "".join(
        f'<rule id="r{n}"><inputEntry id="a{n}"><text>{age}</text></inputEntry><inputEntry id="b{n}"><text>{level}</text></inputEntry>'
        f'<outputEntry id="o{n}"><text>{fen}</text></outputEntry></rule>'
        for n, (age, level, fen) in enumerate(_ONE_ROWS)
    )
    requires = (
        ""
        if version
        else '<informationRequirement><requiredInput href="#age"/></informationRequirement><informationRequirement><requiredInput href="#level"/></informationRequirement>'
    )
    return f'<decision id="fen" name="fen">{requires}<decisionTable id="t" hitPolicy="UNIQUE">{columns}<output id="out" label="fen" name="fen" typeRef="number"/>{rules}</decisionTable></decision>'


def _each(run: Callable[[], Any], least: float = 1.0) -> float:
    """Return the processor's microseconds for one call."""
    run()
    count, used = 0, time.process_time()
    while (spent := time.process_time() - used) < least:
        run()
        count += 1
    return spent / count * 1e6


def _spiff(folder: Path, facts: dict[str, Any]) -> Callable[[], Any]:
    from lxml import etree
    from SpiffWorkflow.dmn.engine.DMNEngine import DMNEngine
    from SpiffWorkflow.dmn.parser.DMNParser import DMNParser

    namespace = "https://www.omg.org/spec/DMN/20191111/MODEL/"
    text = f'<definitions xmlns="{namespace}" id="d" namespace="urn:b" name="one">{_one_table("python")}</definitions>'
    # Its cells are Python: the same intervals in its own tongue.
    for age, _level, _fen in _ONE_ROWS:
        low, high = age.strip("[]").split("..")
        text = text.replace(f"<text>{age}</text>", f"<text>{low} &lt;= ? &lt;= {high}</text>")
    parser = DMNParser(None, etree.fromstring(text), {"dmn": namespace})
    parser.parse()
    engine = DMNEngine(parser.decision.decisionTables[0])

    class Task:
        data = facts

        class workflow:
            from SpiffWorkflow.bpmn.script_engine.python_engine import PythonScriptEngine as _Engine

            script_engine = _Engine()

    return lambda: engine.result(Task())


def _pydmnrules(folder: Path, facts: dict[str, Any]) -> Callable[[], Any]:
    import pyDMNrules
    from openpyxl import Workbook
    from openpyxl.styles import Border, Side

    book = Workbook()
    glossary = book.active
    glossary.title = "Glossary"
    rows: list[list[Any]] = [
        ["Glossary"],
        ["Variable", "Business Concept", "Attribute"],
        ["age", "P", "age"],
        ["level", None, "level"],
        ["fen", None, "fen"],
    ]
    for row in rows:
        glossary.append(row)
    glossary.merge_cells("B3:B5")
    decision = book.create_sheet("Decision")
    for row in (["Decision"], ["Decisions", "Execute Decision Tables"], ["fen", "Fen"]):
        decision.append(row)
    table = book.create_sheet("Fen")
    table.append(["Fen"])
    table.append(["U", "age", "level", "fen"])
    for number, (age, level, fen) in enumerate(_ONE_ROWS, 1):
        table.append([number, age, int(level), int(fen)])
    side = Side(style="thin")
    for sheet in book:
        for cells in sheet.iter_rows(min_row=2):
            for cell in cells:
                cell.border = Border(left=side, right=side, top=side, bottom=side)
    for cells in table.iter_rows(min_row=2, min_col=3, max_col=3):
        cells[0].border = Border(left=side, right=Side(style="double"), top=side, bottom=side)
    for cell in table[2]:
        cell.border = Border(left=cell.border.left, right=cell.border.right, top=side, bottom=Side(style="double"))
    book.save(folder / "one.xlsx")
    rules = pyDMNrules.DMN()
    status = rules.load(str(folder / "one.xlsx"))
    if "errors" in status:
        raise ValueError(status["errors"][:1])
    return lambda: rules.decide(facts)


# --- a population -------------------------------------------------------------------------------------------------


def population(model: Model, folder: Path, people: int) -> None:
    """Print the seconds of a population, its ratio to the limit and to the bare scan, and the memory."""
    source, target = folder / f"{people}.parquet", folder / f"{people}.out.parquet"
    populate(source, people)
    compiled = compile_model(model)
    wall, used, written = timed(lambda: compiled.run_parquet(source, target, threads=THREADS))
    with duckdb.connect() as connection:
        connection.execute(f"SET threads = {THREADS}")
        columns = ", ".join(f'"{name}"' for name in INPUTS)
        sums = ", ".join(f'max("{name}")' for name in INPUTS)
        _scan, scan_used, _ = timed(lambda: connection.execute(f"SELECT {sums} FROM '{source}'").fetchall())
        _copy, copy_used, _ = timed(
            lambda: connection.execute(
                f"COPY (SELECT {columns} FROM '{source}') TO '{target}.copy' (FORMAT parquet)"
            ).fetchall()
        )
        connection.read_parquet(str(source)).create_view("population")
        aggregate = compiled.sql("duckdb", "population", {name: _TYPES[name] for name in INPUTS})
        summed, summed_used, total = timed(
            lambda: connection.execute(f'SELECT sum("月度额度"), sum("财政负担") FROM ({aggregate})').fetchone()
        )
    limit = LIMIT_SECONDS_A_MILLION * people / 1_000_000
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{written:,} persons: file to file {wall:.2f} s (processor {used:.2f} s), limit {limit:.1f} s, ratio {wall / limit:.2f}; "
        f"to a bare copy {used / copy_used:.1f}\n"
        f"  cost only: {summed:.2f} s (processor {summed_used:.2f} s), to the bare scan {summed_used / max(scan_used, 1e-9):.1f}; "
        f"total {total}; peak memory of this process {memory:,.0f} MB"
    )
    openfisca(source, people, summed_used, total)
    for path in (source, target, Path(f"{target}.copy")):
        path.unlink()


_TYPES = {"年龄": "int16", "能力等级": "int16", "月收入": "decimal(12, 2)", "低保": "boolean", "特困": "boolean", "失独": "boolean", "独居": "boolean", "户籍": "boolean"}  # fmt: skip


def openfisca(source: Path, people: int, ours: float, total: Any) -> None:
    """Print OpenFisca-core's time for the same rules, where it is installed and the arrays fit."""
    if importlib.util.find_spec("openfisca_core") is None:
        print("  OpenFisca-core is not installed")
        return
    from bench.policy_openfisca import compute

    arrays = duckdb.sql(f"SELECT * FROM '{source}'").fetchnumpy()
    wall, used, sums = timed(lambda: compute(arrays, people))
    agree = [int(each) for each in sums] == [int(each) for each in total]
    print(
        f"  OpenFisca-core (arrays at hand): {wall:.2f} s (processor {used:.2f} s), ratio ours/theirs {ours / used:.2f}, same sums: {agree}"
    )


def main(people: int) -> None:
    """Run all of it."""
    model = load_model(model_text())
    with tempfile.TemporaryDirectory() as name:
        one_decision(model, Path(name))
        for times in GROWTH:
            population(model, Path(name), people * times)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
