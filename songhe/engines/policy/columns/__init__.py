"""A decision model over a whole population, by columns.

    compiled = compile_model(model, constants={"参数": {...}})             # refuses by name what columns cannot do
    compiled.run_parquet(Path("people.parquet"), Path("out.parquet"))      # DuckDB, streamed from file to file
    sql = compiled.sql("postgres", "people", {"年龄": "int64", ...})        # a SELECT, to be run in place
    plan = compiled.over(table)                                           # an Ibis expression over any Ibis table

The population's columns bear the inputs' names; an input it lacks is null unless ``constants`` holds it. The result
has the population's columns, and for each decision one column by its name (``decision.output`` where a table has
several outputs), and ``decision：规则`` with the number of the rule that hit (a list of numbers where several may).
Money and all numbers are 64-bit integers or decimals, never floats; years-and-months durations are months.
``compiled.answers(plan, row)`` reads a row back as the interpreter's values.
"""

from songhe.engines.policy.columns.running import Compiled, columns_of, compile_model
from songhe.engines.policy.columns.values import NotColumnar

__all__ = ["Compiled", "NotColumnar", "columns_of", "compile_model"]
