"""``songhe dispatch`` as it is typed: planned, checked, explained, and told what is wrong with a file."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from songhe.__main__ import cli

MOVES = ["--moves", "3000", "--threads", "1"]


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    """Write three patients, of whom one takes two carers, and one what only the second can do."""
    patients = [
        ("p1", ["wash"], [0, 60]),
        ("p2", ["wash", "inject"], [60, 120]),
        ("p3", ["inject"], [0, 200]),
    ]
    document = {
        "services": [{"id": "wash", "default_duration": 20}, {"id": "inject", "default_duration": 10}],
        "distances": [[0, 5, 9, 7], [5, 0, 6, 4], [9, 6, 0, 8], [7, 4, 8, 0]],
        "patients": [
            {
                "id": name,
                "required_caregivers": [{"service": service} for service in services],
                "time_window": window,
                "synchronization": {"type": "simultaneous"},
            }
            for name, services, window in patients
        ],
        "caregivers": [{"id": "c1", "abilities": ["wash"]}, {"id": "c2", "abilities": ["wash", "inject"]}],
    }
    path = tmp_path / "day.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def typed(*words: object, exit_code: int = 0) -> str:
    answer = CliRunner().invoke(cli, ["dispatch", *map(str, words)])
    assert answer.exit_code == exit_code, answer.output
    return answer.output


def test_a_file_is_planned_checked_and_explained_and_a_seed_gives_one_plan(instance: Path) -> None:
    plan, again = instance.with_name("plan.json"), instance.with_name("again.json")
    said = typed("solve", instance, "--output", plan, "--seed", "7", *MOVES)
    assert "方案可行。" in said and "未安排 0" in said
    typed("solve", instance, "--output", again, "--seed", "7", *MOVES)
    assert plan.read_text(encoding="utf-8") == again.read_text(encoding="utf-8")
    assert typed("check", instance, plan).splitlines() == said.splitlines()
    assert typed("explain", instance, plan, "p3").startswith("由 c2 上门：1 名护理员具备条件")


def test_a_plan_that_was_tampered_with_fails(instance: Path) -> None:
    plan = instance.with_name("plan.json")
    typed("solve", instance, "--output", plan, *MOVES)
    document = json.loads(plan.read_text(encoding="utf-8"))
    document["routes"][0]["visits"][0]["end"] += 7
    plan.write_text(json.dumps(document), encoding="utf-8")
    assert "时长不对" in typed("check", instance, plan, exit_code=1)


def test_what_cannot_be_read_is_told_and_nothing_is_written(instance: Path) -> None:
    plan = instance.with_name("plan.json")
    instance.write_text("{", encoding="utf-8")
    assert "读不了 JSON" in typed("solve", instance, "--output", plan, *MOVES, exit_code=1)
    assert "读不了 JSON" in typed("explain", instance, plan, "p1", exit_code=1)
    assert not plan.exists()
    assert "没有 JSON 实例" in typed("bench", instance.parent / "none", exit_code=1)
