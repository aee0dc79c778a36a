"""The command line of Songhe: ``songhe …`` or ``python -m songhe …``."""

import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from songhe.engines.policy.columns import Compiled

# The embedded server falls back to a folder of its own where the system names none; nobody need hear of it.
warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "songhe.config.settings")

cli = typer.Typer(
    help="松鹤：居家和社区养老服务平台", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
pack = typer.Typer(help="政策包", no_args_is_help=True)
policy = typer.Typer(help="政策引擎", no_args_is_help=True)
ledger = typer.Typer(help="总账", no_args_is_help=True)
journal = typer.Typer(help="审计日志", no_args_is_help=True)
keys = typer.Typer(help="密钥", no_args_is_help=True)
dispatch = typer.Typer(help="排班派单", no_args_is_help=True)
cli.add_typer(dispatch, name="dispatch")
for name, group in (("pack", pack), ("policy", policy), ("ledger", ledger), ("journal", journal), ("keys", keys)):
    cli.add_typer(group, name=name)


def _django() -> None:
    """Set Django up for a command, holding the embedded database until the command ends."""
    import atexit

    from songhe.config.commands.holding import hold, release

    atexit.register(release)
    hold()
    import django

    django.setup()


@cli.command()
def up(elders: Annotated[int | None, typer.Option(help="演示老人数量，默认按政策包")] = None) -> None:
    """Set everything up that is missing, then serve until Ctrl-C."""
    from songhe.config.commands.up import run

    raise typer.Exit(run(elders=elders))


@cli.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Run every check, as the project's own ``make test`` does; further arguments go to pytest."""
    from songhe.config.commands.checks import run

    raise typer.Exit(run(context.args))


@cli.command(hidden=True)
def frontend() -> None:
    """Fetch the front-end files."""
    from songhe.config.frontend import FrontendFailed, install

    try:
        install()
    except FrontendFailed as failure:
        typer.echo(str(failure), err=True)
        raise typer.Exit(1) from failure


@cli.command()
def doctor() -> None:
    """Say in words what is missing or wrong."""
    from songhe.config.commands.doctor import run

    raise typer.Exit(run())


@cli.command()
def demo(
    elders: Annotated[int | None, typer.Option(help="老人数量，默认按政策包", min=1)] = None,
    seed: Annotated[int | None, typer.Option(help="随机种子")] = None,
) -> None:
    """Fill an empty Songhe with a synthetic region, setting up first whatever is missing."""
    from songhe.config.commands.setting_up import draw_demo

    raise typer.Exit(draw_demo(elders=elders, seed=seed))


@cli.command(hidden=True)
def fill(
    elders: Annotated[int | None, typer.Option()] = None, seed: Annotated[int | None, typer.Option()] = None
) -> None:
    """Draw the synthetic region into tables that are there, as their owner: a step of ``demo`` and of ``up``."""
    _django()
    from songhe.config.commands.setting_up import PACK
    from songhe.demo.build import build

    build(pack=PACK, elders=elders, seed=seed, progress=typer.echo)


@cli.command()
def requirements(
    run: Annotated[bool, typer.Option("--run", help="先运行与要求有关的测试")] = False,
    details: Annotated[bool, typer.Option("--details", help="同时列出每条要求的测试")] = False,
) -> None:
    """List every row of docs/requirements.md with its state by the last test run."""
    from songhe.config.commands.requirements import report, run_marked

    code = run_marked() if run else 0
    for line in report(details=details):
        typer.echo(line)
    raise typer.Exit(code)


@pack.command("list")
def pack_list() -> None:
    """List the places there are packs for."""
    from songhe.packs.loader import list_packs, load_pack

    for each in list_packs():
        typer.echo(f"{each}\t{load_pack(each).title}")


@pack.command("check")
def pack_check(name: Annotated[str | None, typer.Argument()] = None) -> None:
    """Check that a place's pack (or all of them) is complete and cites its sources."""
    from songhe.packs.loader import check_pack, list_packs

    found = 0
    for each in [name] if name else list_packs():
        for problem in check_pack(each):
            found += 1
            typer.echo(f"{each}: {problem.where}: {problem.what}")
    typer.echo("政策包没有问题。" if not found else f"共 {found} 个问题。")
    raise typer.Exit(1 if found else 0)


@pack.command("load")
def pack_load(name: str) -> None:
    """Load a place into this Songhe; loading twice changes nothing."""
    _django()
    from songhe.config.packs import load_pack_into_rooms

    for room, line in load_pack_into_rooms(name).items():
        typer.echo(f"{room}: {line}")


@policy.command("evaluate")
def policy_evaluate(
    model: Path,
    facts: Annotated[Path, typer.Option("--input", help="JSON 事实文件")],
    trace: Annotated[bool, typer.Option("--trace", help="同时输出推理过程")] = False,
) -> None:
    """Evaluate a decision model on one case and print JSON."""
    import json

    from songhe.engines.policy import as_json, evaluate, load_model

    evaluation = evaluate(load_model(model), json.loads(facts.read_text(encoding="utf-8")))
    answer: dict[str, object] = {"results": as_json(evaluation.results)}
    if trace:
        answer["trace"] = evaluation.trace_as_json()
    typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))


@policy.command("batch")
def policy_batch(
    model: Path,
    people: Annotated[Path, typer.Option("--input", help="Parquet 人员文件，列名即模型的输入")],
    output: Annotated[Path, typer.Option("--output", help="结果 Parquet 文件")],
    backend: Annotated[str, typer.Option(help="duckdb、postgres 或 spark（需安装 songhe[spark]）")] = "duckdb",
    constants: Annotated[Path | None, typer.Option(help="JSON 文件：人人相同的输入，如参数")] = None,
    database: Annotated[str, typer.Option(help="postgres 的连接地址，默认用松鹤自己的数据库")] = "",
) -> None:
    """Evaluate a decision model on everybody in a file."""
    import json

    from songhe.engines.policy import PolicyError, load_model
    from songhe.engines.policy.columns import compile_model

    try:
        given = json.loads(constants.read_text(encoding="utf-8")) if constants else {}
        compiled = compile_model(load_model(model), given)
        match backend:
            case "duckdb":
                count = compiled.run_parquet(people, output)
            case "postgres":
                count = _in_postgres(compiled, people, output, database)
            case "spark":
                from songhe.engines.policy.columns.spark import run_spark

                count = run_spark(compiled, people, output)
            case _:
                raise PolicyError(f"--backend 应为 duckdb、postgres 或 spark，得到“{backend}”。")
    except json.JSONDecodeError as error:
        typer.echo(f"{constants} 第 {error.lineno} 行不是有效的 JSON。", err=True)
        raise typer.Exit(1) from error
    except (PolicyError, OSError) as error:
        typer.echo(f"{error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"已计算 {count:,} 人，结果在 {output}")


def _in_postgres(compiled: "Compiled", people: Path, output: Path, address: str) -> int:
    import psycopg

    from songhe.config import database
    from songhe.engines.policy import PolicyError
    from songhe.engines.policy.columns.postgres import run_postgres

    if not address:
        _django()
        address = database.server().conninfo(user=database.OWNER, password=database.role_password(database.OWNER))
    try:
        with psycopg.connect(address, autocommit=True) as connection:
            return run_postgres(compiled, connection, people, output)
    except psycopg.OperationalError as error:
        raise PolicyError(f"连不上数据库，或它中途断开：{error}") from error


@policy.command("tck")
def policy_tck(directory: Path) -> None:
    """Run the DMN compatibility kit's test files below a folder."""
    from songhe.engines.policy.tck import run

    result = run(directory)
    for failure in result.failures:
        typer.echo(failure)
    typer.echo(f"{result.passed} passed, {result.failed} failed")
    raise typer.Exit(1 if result.failed else 0)


@ledger.command("verify")
def ledger_verify() -> None:
    """Recompute every sum of the ledger from its rows."""
    _django()
    from songhe.core.ledger.audit import verify
    from songhe.core.scope.services import Scope, use

    with use(Scope.system()):
        report = verify()
    typer.echo(str(report))
    raise typer.Exit(0 if report.ok else 1)


@ledger.command("export")
def ledger_export(path: Path) -> None:
    """Write the ledger in beancount's format."""
    _django()
    from songhe.core.ledger.beancount import export_beancount
    from songhe.core.scope.services import Scope, use

    with use(Scope.system()):
        export_beancount(path)
    typer.echo(f"已导出到 {path}")


@journal.command("verify")
def journal_verify() -> None:
    """Seal what is not sealed yet and check the whole chain against the rows."""
    _django()
    from songhe.core.journal.services import seal, verify
    from songhe.core.scope.services import Scope, use

    with use(Scope.system()):
        seal()
        report = verify()
    typer.echo(str(report))
    raise typer.Exit(0 if report.sound else 1)


@keys.command("rotate")
def keys_rotate() -> None:
    """Add a new sealing key and seal everything with it; the server may keep running."""
    _django()
    from songhe.core.crypto.services import rotate
    from songhe.core.scope.services import Scope, use

    with use(Scope.system()):
        number = rotate()
    typer.echo(f"第 {number} 号密钥已启用；原有数据由后台任务逐批改用它，期间照常使用。旧密钥仍要保留。")


@dispatch.command("solve")
def dispatch_solve(
    file: Path,
    output: Annotated[Path, typer.Option(help="方案写到哪里")],
    seconds: Annotated[float, typer.Option(min=0.1, help="搜索几秒")] = 60.0,
    seed: Annotated[int, typer.Option(help="随机种子")] = 1,
    threads: Annotated[int, typer.Option("--threads", "--cores", min=1, help="用几个核")] = 2,
    moves: Annotated[int | None, typer.Option(min=1, help="不按秒，每个核试几步：同一种子得同一方案")] = None,
) -> None:
    """Plan an instance of home health care routing."""
    from songhe.engines.dispatch.commands import solve_file
    from songhe.engines.dispatch.problem import DispatchError
    from songhe.engines.dispatch.solver import Budget

    budget = Budget(seconds=seconds, threads=threads) if moves is None else Budget(moves=moves, threads=threads)
    try:
        lines = solve_file(file, output, budget=budget, seed=seed)
    except DispatchError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo("\n".join(lines))


@dispatch.command("check")
def dispatch_check(file: Path, plan: Path) -> None:
    """Recompute a plan's feasibility and cost independently of the solver."""
    from songhe.engines.dispatch.commands import check_file, describe
    from songhe.engines.dispatch.problem import DispatchError

    try:
        verdict = check_file(file, plan)
    except DispatchError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo("\n".join(describe(verdict)))
    raise typer.Exit(0 if verdict.sound else 1)


@dispatch.command("explain")
def dispatch_explain(file: Path, plan: Path, visit: str) -> None:
    """Say why a visit of a plan is as it is, and what another carer would cost."""
    from songhe.engines.dispatch.commands import explain_file
    from songhe.engines.dispatch.problem import DispatchError

    try:
        typer.echo("\n".join(explain_file(file, plan, visit)))
    except DispatchError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


@dispatch.command("bench")
def dispatch_bench(
    folder: Path,
    seconds: Annotated[float, typer.Option(min=0.1, help="每个实例几秒")] = 60.0,
    seeds: Annotated[int, typer.Option(min=1, help="种子 1 至几")] = 1,
    threads: Annotated[int, typer.Option("--threads", "--cores", min=1, help="用几个核")] = 2,
    only: Annotated[list[str] | None, typer.Option(help="只算名称含这段文字的实例，可写多次")] = None,
) -> None:
    """Plan every instance below a folder and print its gap to the best published."""
    from songhe.engines.dispatch.commands import bench
    from songhe.engines.dispatch.problem import DispatchError
    from songhe.engines.dispatch.solver import Budget

    try:
        for line in bench(folder, budget=Budget(seconds=seconds, threads=threads), seeds=seeds, only=only or ()):
            typer.echo(line)
    except DispatchError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


@cli.command()
def backup(folder: Annotated[Path | None, typer.Argument(help="新文件夹，默认在 var/backups 下")] = None) -> None:
    """Write the database and the uploaded files into a new folder; the server may keep running."""
    from songhe.config.commands.backup import backup as run

    raise typer.Exit(run(folder))


@cli.command()
def restore(folder: Path) -> None:
    """Read a backup into this installation, whose database must not exist yet."""
    from songhe.config.commands.backup import restore as run

    raise typer.Exit(run(folder))


def main() -> None:
    """Run the command line; what is known to go wrong is said in a sentence."""
    from songhe.core.errors import Refused

    try:
        cli()
    except Refused as refused:
        typer.echo(refused.message, err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
