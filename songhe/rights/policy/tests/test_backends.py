"""The engine in PostgreSQL and on Spark: what the interpreter says of each person, there too."""

import importlib.util
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from songhe.config import database
from songhe.engines.policy import Model, PolicyError
from songhe.engines.policy.columns import Compiled, columns_of, compile_model
from songhe.engines.policy.columns.plan import Plan
from songhe.engines.policy.columns.postgres import run_postgres
from songhe.engines.policy.columns.spark import run_spark
from songhe.engines.policy.tests.dmn import decision, literal, model_text
from songhe.engines.policy.tests.dmn import given as given_input
from songhe.engines.policy.tests.test_columns import TYPES, compared, expression, models, person, table_of

PEOPLE_A_TABLE = 60
COLUMNS = {name: type_ for name, (_declared, type_) in TYPES.items()}


@pytest.fixture
def connection() -> Iterator[psycopg.Connection[Any]]:
    """A connection to the tests' server, to no database of Songhe's."""
    with psycopg.connect(database.server().conninfo(dbname="postgres"), autocommit=True) as opened:
        yield opened


def numbered(people: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Give each person a number: a database keeps no order."""
    return [{"号": number, **each} for number, each in enumerate(people)], {"号": pa.int64(), **COLUMNS}


def plan_of(compiled: Compiled, backend: str, file: Path) -> Plan:
    with duckdb.connect() as files:
        files.read_parquet(str(file)).create_view("population")
        return compiled.plan(columns_of(files, "population"), backend=backend)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(model=models(), seed=st.integers(0, 2**32))
def test_postgresql_and_interpreter_agree_on_random_tables_and_people(
    model: Model, seed: int, connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    draw = random.Random(seed)
    people, types = numbered([person(draw) for _ in range(PEOPLE_A_TABLE)])
    compiled = compile_model(model, {"参数": {"高龄": 80}})
    pq.write_table(table_of(people, types), tmp_path / "in.parquet")
    assert run_postgres(compiled, connection, tmp_path / "in.parquet", tmp_path / "out.parquet") == len(people)
    rows = sorted(pq.read_table(tmp_path / "out.parquet").to_pylist(), key=lambda row: row["号"])
    compared(compiled, plan_of(compiled, "postgres", tmp_path / "in.parquet"), people, rows)


TEXTS = ['引号"与逗号,', r"\N", "", "换\n行", "反斜杠\\", "花{括}号", None, "NULL", " 空 格 "]


def test_every_text_and_list_survives_the_way_to_postgresql_and_back(
    connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    people = [{"号": n, "a": text, "单": [text, "x"], "附": n / 2} for n, text in enumerate(TEXTS)]
    people += [{"号": 100, "a": "单", "单": [], "附": None}, {"号": 101, "a": "单", "单": None, "附": 1e300}]
    schema = pa.schema([("号", pa.int64()), ("a", pa.string()), ("单", pa.list_(pa.string())), ("附", pa.float64())])
    pq.write_table(pa.Table.from_pylist(people, schema=schema), tmp_path / "in.parquet")
    compiled = compile_model(expression("a", "string"))
    run_postgres(compiled, connection, tmp_path / "in.parquet", tmp_path / "out.parquet")
    rows = sorted(pq.read_table(tmp_path / "out.parquet").to_pylist(), key=lambda row: row["号"])
    assert [{**each, "额度": each["a"]} for each in people] == rows


def test_a_number_that_outgrows_postgresqls_column_is_an_error(
    connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    pq.write_table(pa.table({"a": pa.array([2**62], pa.int64())}), tmp_path / "in.parquet")
    with pytest.raises(PolicyError, match="超出了列的范围"):
        run_postgres(compile_model(expression("a * 4")), connection, tmp_path / "in.parquet", tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()
    # What was brought there is gone, and the next file finds the place free.
    pq.write_table(pa.table({"a": pa.array([2], pa.int64())}), tmp_path / "in.parquet")
    assert (
        run_postgres(compile_model(expression("a * 4")), connection, tmp_path / "in.parquet", tmp_path / "out.parquet")
        == 1
    )


def batch(tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run ``songhe policy batch`` on the bench's small file."""
    model = tmp_path / "m.dmn"
    model.write_text(model_text(given_input("年龄", "number"), decision("额度", literal("年龄 * 0.5"), "i-年龄")))
    pq.write_table(pa.table({"年龄": pa.array([61, None], pa.int64())}), tmp_path / "in.parquet")
    files = "--input", str(tmp_path / "in.parquet"), "--output", str(tmp_path / "out.parquet")
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "songhe", "policy", "batch", str(model), *files, *options],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_line_computes_in_postgresql(tmp_path: Path, connection: psycopg.Connection[Any]) -> None:
    result = batch(tmp_path, "--backend", "postgres", "--database", database.server().conninfo(dbname="postgres"))
    assert result.returncode == 0, result.stderr
    assert "已计算 2 人" in result.stdout
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == [
        {"年龄": 61, "额度": Decimal("30.5")},
        {"年龄": None, "额度": None},
    ]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--backend", "oracle"), "--backend 应为 duckdb、postgres 或 spark，得到“oracle”"),
        (("--backend", "postgres", "--database", "host=127.0.0.1 port=1 connect_timeout=2"), "连不上数据库"),
        (("--constants", "nowhere.json"), "nowhere.json"),
    ],
    ids=["unknown", "unreachable", "missing"],
)
def test_the_command_line_says_what_is_wrong(options: tuple[str, ...], told: str, tmp_path: Path) -> None:
    result = batch(tmp_path, *options)
    assert result.returncode == 1
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out.parquet").exists()


# --- Spark ---------------------------------------------------------------------------------------------------------

HAS_SPARK = importlib.util.find_spec("pyspark") is not None


def test_without_spark_its_back_end_is_refused_in_words(tmp_path: Path) -> None:
    if HAS_SPARK:
        pytest.skip("装有 pyspark，无从试它缺少时的提示")
    result = batch(tmp_path, "--backend", "spark")
    assert result.returncode == 1
    assert "没有安装 Spark：请先 pip install 'songhe[spark]'" in result.stderr


def test_spark_and_interpreter_agree_on_random_tables_and_people(tmp_path: Path) -> None:
    if not HAS_SPARK:
        pytest.skip("没有安装 pyspark（pip install 'songhe[spark]'），未运行")
    if shutil.which("java") is None:
        pytest.skip("没有 Java，Spark 不能运行")
    cases = 0

    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
    @given(model=models(), seed=st.integers(0, 2**32))
    def agree(model: Model, seed: int) -> None:
        nonlocal cases
        draw = random.Random(seed)
        people, types = numbered([person(draw) for _ in range(PEOPLE_A_TABLE)])
        compiled = compile_model(model, {"参数": {"高龄": 80}})
        pq.write_table(table_of(people, types), tmp_path / "in.parquet")
        assert run_spark(compiled, tmp_path / "in.parquet", tmp_path / "out") == len(people)
        rows = sorted(pq.read_table(tmp_path / "out").to_pylist(), key=lambda row: row["号"])
        cases += compared(compiled, plan_of(compiled, "pyspark", tmp_path / "in.parquet"), people, rows)

    agree()
    assert cases >= 8 * PEOPLE_A_TABLE
