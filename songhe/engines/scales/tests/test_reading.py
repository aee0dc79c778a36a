"""A scale is a file: a new one needs no code, and a faulty one tells all its faults."""

from pathlib import Path

import pytest

from songhe.engines.scales import ScaleError, load_scale, score

WALKING = """
title: 行走量表
source: 试验
mark: unverified
validity_months: 3
reasons: [首次]
generic_options:
  YN: {1: 能, 0: 不能}
groups:
  - code: W
    name: 行走
    items:
      - {code: W.1, name: 平地, options: YN}
      - {code: W.2, name: 楼梯, options: {2: 独立, 1: 扶持, 0: 不能}}
    grades:
      - {grade: 0, when: W = 3}
      - {grade: 1, when: "true"}
circumstances:
  - {key: 骨折, name: 近期骨折}
levels:
  - {level: 0, name: 稳, when: W_分级 = 0}
  - {level: 1, name: 不稳, when: 总分 >= 1 and W_1 = 1}
  - {level: 2, name: 不能, when: "true"}
raise_one:
  - {name: 近期骨折, when: 骨折}
"""


def file_of(folder: Path, text: str) -> Path:
    path = folder / "walking.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_new_scale_needs_only_its_file(tmp_path: Path) -> None:
    scale = load_scale(file_of(tmp_path, WALKING))
    assert score(scale, {"W.1": 1, "W.2": 2}, {}).level == 0
    assert score(scale, {"W.1": 1, "W.2": 2}, {"骨折": True}).level == 1
    assert score(scale, {"W.1": 1, "W.2": 0}, {}).level == 1
    assert score(scale, {"W.1": 0, "W.2": 2}, {"骨折": True}).level == 2


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("title: 行走量表", "", "缺少 title"),
        ("mark: unverified", "mark: sure", "mark“sure”应为 verified"),
        ("code: W.1, name: 平地", "code: W.1", "有一处缺少 name"),
        ("options: YN", "options: XY", "项目 W.1 用了没有定义的选项“XY”"),
        ("{2: 独立, 1: 扶持, 0: 不能}", "{2: 独立}", "项目 W.2 应有两个以上选项"),
        ("{2: 独立, 1: 扶持, 0: 不能}", "{好: 独立, 1: 扶持}", "得分为整数"),
        ("code: W.2", "code: W.1", "项目代码“W.1”出现了两次"),
        ("when: W = 3", "when: W =", "分组“行走”的 grades第 1 条：表达式“W =”第 4 个字符"),
        ("W_分级 = 0", "W_等级 = 0", "levels第 1 条用了没有定义的“W_等级”"),
        ("W_1 = 1", "W_3 = 1", "levels第 2 条用了没有定义的“W_3”"),
        ("level: 2,", "level: 3,", "levels 的等级应从 0 起连续编号"),
        ("when: 骨折", "when: 骨拆", "raise_one第 1 条用了没有定义的“骨拆”"),
        ("name: 近期骨折}\nlevels", "name: 近期骨折, kind: date}\nlevels", "情况“近期骨折”的 kind 应为 flag 或 number"),
        ("    name: 行走\n", "    name: 行走\n    better: more\n", "better 应为 high 或 low"),
        ("groups:\n", "groups: [\n", "不是可读的 YAML 文件"),
    ],
)
def test_a_faulty_file_tells_where(tmp_path: Path, right: str, wrong: str, told: str) -> None:
    assert right in WALKING
    with pytest.raises(ScaleError) as caught:
        load_scale(file_of(tmp_path, WALKING.replace(right, wrong, 1)))
    assert str(caught.value).startswith("walking.yaml：")
    assert told in str(caught.value)


def test_all_faults_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    text = WALKING.replace("mark: unverified", "mark: sure").replace("when: 骨折", "when: 骨拆")
    with pytest.raises(ScaleError) as caught:
        load_scale(file_of(tmp_path, text))
    assert len(str(caught.value).splitlines()) == 3


def test_scores_for_which_the_file_has_no_level_are_a_fault_of_the_file(tmp_path: Path) -> None:
    scale = load_scale(file_of(tmp_path, WALKING.replace('when: "true"}\nraise', "when: W > 5}\nraise")))
    with pytest.raises(ScaleError, match="没有为这些得分规定等级"):
        score(scale, {"W.1": 0, "W.2": 0}, {})
