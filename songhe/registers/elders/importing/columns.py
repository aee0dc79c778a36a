"""Finding a roll's head among titles, and which column is what."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from songhe.core.sheets import Sheet, tidy

HEAD_WITHIN = 20
HEAD_LINES = 3


@dataclass(frozen=True)
class Target:
    """Something a column may hold: its key, its Chinese name, and how other offices head it."""

    key: str
    label: str
    heads: tuple[str, ...]


# Key, Chinese name, and how other offices head such a column (the name itself is known too).
_TABLE = """
name | 姓名 | 老人姓名 老年人姓名 名字 对象姓名 服务对象 服务对象姓名 户主姓名
id_number | 身份证号 | 身份证号码 身份证 公民身份号码 公民身份证号 证件号 证件号码 居民身份证号码 残疾人证号 残疾证号
sex | 性别 |
birth_date | 出生日期 | 出生年月日 出生年月 生日 出生时间
phone | 联系电话 | 电话 手机 手机号 手机号码 本人电话 联系方式 电话号码 老人电话
ethnicity | 民族 |
area | 居住社区 | 社区 村 村居 村社区 所属社区 社区村 居委会 村居委会 所在社区 社区名称
street | 街道（乡镇） | 街道 乡镇 街道乡镇 乡镇街道 镇街 所属街道 镇街道
area_code | 区划代码 | 行政区划代码 社区代码 区域代码
address | 居住地址 | 地址 住址 家庭住址 现住址 家庭地址 详细地址 常住地址 居住地
registered_address | 户籍地址 | 户口所在地 户籍所在地 户籍地 户籍住址
living_situation | 居住状况 | 居住情况 居住方式 居住类型
difficulties | 困难类别 | 困难类型 人员类别 对象类别 救助类别 保障类别 人员类型 经济状况
disability_grade | 残疾等级 | 残疾级别
difficulty_first | 困难认定日期 | 认定日期 认定时间 享受起始日期 批准日期
evidence | 凭证编号 | 证书编号 低保证号 救助证号
contact_name | 联系人姓名 | 联系人 紧急联系人 紧急联系人姓名 家属姓名 子女姓名 监护人 监护人姓名
contact_relation | 联系人关系 | 与老人关系 关系 与联系人关系 与本人关系 紧急联系人关系
contact_phone | 联系人电话 | 联系人手机 紧急联系人电话 家属电话 子女电话 紧急联系电话 监护人电话
died_on | 死亡日期 | 去世日期 死亡时间 去世时间 死亡年月日 注销日期
remarks | 备注 | 说明 其他情况
"""


def _targets() -> tuple[Target, ...]:
    lines = [[part.strip() for part in line.split("|")] for line in _TABLE.strip().splitlines()]
    return tuple(Target(key, label, (label, *heads.split())) for key, label, heads in lines)


TARGETS = _targets()
LABELS = {target.key: target.label for target in TARGETS}
NEEDED = (("name",), ("id_number", "birth_date"))
"""What a roll must say; of several, one is enough."""


def fold(head: str) -> str:
    """Return a heading without what varies: white space, brackets and marks such as the star of required columns."""
    return re.sub(r"[\s*:：·、,，/\-_（）()【】\[\]＊]", "", tidy(head))


_KNOWN = {fold(head): target.key for target in TARGETS for head in target.heads}


@dataclass(frozen=True)
class Head:
    """Where a head ends (``first``: index of the first data row) and what it says over each column."""

    names: tuple[str, ...]
    first: int


def find_head(sheet: Sheet) -> Head | None:
    """Return the head: the one to three lines that name most columns; None if no line names a person's columns."""
    best: tuple[int, int, Head] | None = None
    for top in range(min(HEAD_WITHIN, len(sheet.rows))):
        for lines in range(1, HEAD_LINES + 1):
            if top + lines > len(sheet.rows):
                break
            names = _joined(sheet.rows[top : top + lines])
            known = {key for name in names if (key := guess(name))}
            score = (len(known), -lines)
            if "name" in known and (best is None or score > best[:2]):
                best = (*score, Head(names, top + lines))
    return best[2] if best else None


def _joined(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the heads of one or more lines: the lowest text of each column, with its group's where that is known."""
    width = max(len(row) for row in rows)
    names = []
    for column in range(width):
        texts = [row[column] for row in rows if column < len(row) and row[column]]
        whole = "".join(dict.fromkeys(texts[-2:]))
        names.append(whole if guess(whole) else texts[-1] if texts else "")
    return tuple(names)


def guess(head: str) -> str | None:
    """Return what a column of this heading holds, if its heading is one of those known."""
    return _KNOWN.get(fold(head))


def suggest(head: Sequence[str], remembered: dict[str, str] | None = None) -> dict[int, str]:
    """Return a mapping from column number (from 0) to what it holds; what the source was told before comes first.

    Each thing is taken from one column only, the first. A second 电话 after 联系人 is the contact's.
    """
    mapping: dict[int, str] = {}
    taken: set[str] = set()
    for column, name in enumerate(head):
        folded = fold(name)
        key = (remembered or {}).get(folded, _KNOWN.get(folded))
        if key == "phone" and "phone" in taken and "contact_name" in taken:
            key = "contact_phone"
        if key == "id_number" and "id_number" in taken and "残疾" in folded:
            key = "evidence"
        if key in LABELS and key not in taken:
            mapping[column] = key
            taken.add(key)
    return mapping
