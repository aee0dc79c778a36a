"""Running a compiled model on Spark, for more people than one machine holds (``pip install songhe[spark]``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from songhe.engines.policy.columns.running import POPULATION, Compiled
from songhe.engines.policy.errors import PolicyError


def run_spark(compiled: Compiled, source: Path, target: Path, session: Any = None) -> int:
    """Write the answers for a parquet file (or folder) to a folder of parquet; return how many people there are.

    Raises:
        PolicyError: Spark is not installed.
    """
    session = session or _session()
    people = session.read.parquet(str(source))
    people.createOrReplaceTempView(POPULATION)
    from ibis.backends.pyspark.datatypes import PySparkType

    schema = {field.name: PySparkType.to_ibis(field.dataType) for field in people.schema}
    session.sql(compiled.sql("pyspark", POPULATION, schema)).write.mode("overwrite").parquet(str(target))
    return int(people.count())


def _session() -> Any:
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise PolicyError("没有安装 Spark：请先 pip install 'songhe[spark]'（还需要 Java 17 或更新版本）。") from error
    return (
        SparkSession.builder.master("local[*]")
        .appName("songhe")
        .config("spark.sql.ansi.enabled", "true")
        .config("spark.sql.session.timeZone", "Asia/Shanghai")
        # Decimals keep their digits; what outgrows them is an error, never another number.
        .config("spark.sql.decimalOperations.allowPrecisionLoss", "false")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
