"""Rolls as ugly as offices send them: what each holds, how it is wrong, and what must be said of it.

``ROLLS`` maps a name to a roll. ``good`` are the names that come in; ``faults`` are, by the line's number in the file,
what its complaint must say, column and all; ``refused`` is why the whole file is turned away.
"""

import io
import struct
import zipfile
from dataclasses import dataclass, field
from datetime import date, datetime

from songhe.registers.elders.tests.people import number
from songhe.registers.elders.tests.sheets import csv, web_page, xlsx

A, B, C, D = number(order=12), number(order=13), number(date(1938, 11, 2), 14), number(date(1929, 2, 28), 15)
HEAD = ["姓名", "身份证号", "社区"]
EAST = "松东社区"


@dataclass(frozen=True)
class Roll:
    data: bytes
    good: frozenset[str] = frozenset()
    faults: dict[int, tuple[str, ...]] = field(default_factory=dict)
    refused: str = ""
    mapping: dict[int, str] | None = None


def _roll(rows, *good, faults=None, mapping=None, **more):
    return Roll(xlsx(rows, **more), frozenset(good), faults or {}, mapping=mapping)


def _wide(text):
    return text.translate({ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)} | {ord("X"): "Ｘ"})


def _spoilt(text):
    return text[:-1] + ("1" if text[-1] != "1" else "2")


def _swapped(text):
    """Two digits of the order exchanged, as fingers do."""
    return text[:14] + text[15] + text[14] + text[16:]


def _long(rows, count):
    return [
        *rows,
        *([f"王秀{chr(0x4E00 + n)}", number(date(1940, 1, 1 + n % 28), n), EAST] for n in range(1, count + 1)),
    ]


ROLLS = {
    "a title, a date line and a merged head": _roll(
        [["松江区2026年6月高龄老人花名册"], ["填报单位：松一街道（盖章）", "", "2026.6.30"], HEAD, ["王秀英", A, EAST]],
        "王秀英",
        merged=[(0, 0, 0, 2, "松江区2026年6月高龄老人花名册")],
    ),
    "a head of two lines, groups above": _roll(
        [["序号", "基本情况", "", "", "家属", ""], ["", "姓名", "身份证号", "社区", "姓名", "电话"],
         [1, "王秀英", A, EAST, "李明", "13900000001"]],
        "王秀英",
        merged=[(0, 1, 0, 3, "基本情况"), (0, 4, 0, 5, "家属")],
    ),
    "communities merged downward": _roll(
        [["社区", "姓名", "身份证号"], [EAST, "王秀英", A], ["", "李大山", B], ["松西社区", "赵老太", C]],
        "王秀英", "李大山", "赵老太",
        merged=[(1, 0, 2, 0, EAST)],
    ),
    "subtotals between, a total below, signatures at the foot": _roll(
        [HEAD, ["王秀英", A, EAST], ["小计", "1人"], ["李大山", B, EAST], ["小计", "1人"], ["总 计", "2人"],
         ["制表人：张三", "", "审核人：李四"], ["注：本表一式三份"]],
        "王秀英", "李大山",
    ),
    "blank lines, and printed lines with a running number only": _roll(
        [["序号", *HEAD], [1, "王秀英", A, EAST], [], ["", "", "", ""], [2, "", "", ""], [3, "李大山", B, EAST], [4]],
        "王秀英", "李大山",
    ),
    "the head once more on every page": _roll(
        [HEAD, ["王秀英", A, EAST], HEAD, ["李大山", B, EAST]],
        "王秀英", "李大山",
    ),
    "full-width digits and spaces within names": _roll([HEAD, ["王　秀　英", _wide(A), f"　{EAST}　"]], "王秀英"),
    "numbers behind apostrophes, with dashes and spaces": _roll(
        [HEAD, ["王秀英", f"'{A}", EAST], ["李大山", f"{B[:6]} {B[6:14]} {B[14:]}", EAST],
         ["赵老太", f"{C[:6]}-{C[6:]}", EAST]],
        "王秀英", "李大山", "赵老太",
    ),
    "a small x at the end": _roll([HEAD, ["王秀英", number(date(1948, 5, 6), 32).lower(), EAST]], "王秀英"),
    "numbers of fifteen digits": _roll(
        [HEAD, ["赵老太", C[:6] + C[8:17], EAST], ["王秀英", int(A[:6] + A[8:17]), EAST]], "赵老太", "王秀英"
    ),
    "numbers that the spreadsheet rounded": _roll(
        [HEAD, ["王秀英", float(A), EAST], ["李大山", "3.40802E+17", EAST]],
        faults={2: ("身份证号", "末几位已经丢失", "文本格式"), 3: ("末几位已经丢失",)},
    ),
    "a digit missing, a digit too many": _roll(
        [HEAD, ["王秀英", A[:-1], EAST], ["李大山", B + "1", EAST]],
        faults={2: ("身份证号", "这里有 17 位"), 3: ("身份证号", "这里有 19 位")},
    ),
    "two digits exchanged": _roll([HEAD, ["李大山", _swapped(number(order=103)), EAST]], faults={2: ("校验位",)}),
    "a letter for a digit": _roll([HEAD, ["王秀英", "O" + A[1:], EAST]], faults={2: ("前 17 位应为数字",)}),
    "a day that does not exist": _roll(
        [HEAD, ["王秀英", A[:10] + "0230" + A[14:], EAST]], faults={2: ("身份证号", "不是有效的日期")}
    ),
    "a province that does not exist": _roll([HEAD, ["王秀英", "99" + A[2:], EAST]], faults={2: ("不是省级代码",)}),
    "no number at all": _roll(
        [HEAD, ["王秀英", "", EAST], ["李大山", "无", EAST], ["赵老太", "不详", EAST]],
        faults={2: ("身份证号为空",), 3: ("身份证号为空",), 4: ("身份证号为空",)},
    ),
    "one person twice": _roll(
        [HEAD, ["王秀英", A, EAST], ["王秀英", A, EAST]],
        "王秀英", faults={3: ("与第 2 行是同一个",)},
    ),
    "a phone number in the name, a name in the number": _roll(
        [HEAD, ["13800138000", A, EAST], ["王秀英", "李大山", EAST]],
        faults={2: ("姓名", "不像姓名", "错列"), 3: ("身份证号", "这里有 3 位")},
    ),
    "birth and sex against the number": _roll(
        [[*HEAD, "出生日期", "性别"], ["王秀英", A, EAST, "1949-05-06", "男"]],
        faults={2: ("出生日期", "与身份证号中的 1948-05-06 不一致", "性别", "奇数为男")},
    ),
    "days written every way": _roll(
        [[*HEAD, "出生年月", "认定日期"], ["王秀英", A, EAST, datetime(1948, 5, 6), "2024.3"],  # noqa: DTZ001
         ["李大山", B, EAST, 17659, "2024年3月1日"], ["赵老太", C, EAST, "1938/11/2", 45352]],
        "王秀英", "李大山", "赵老太",
    ),
    "days that are none": _roll(
        [[*HEAD, "出生日期"], ["王秀英", A, EAST, "1948-13-06"], ["李大山", B, EAST, "属鼠"]],
        faults={2: ("出生日期", "不是真实的日期"), 3: ("出生日期", "认不出日期“属鼠”", "1948-05-06 的样子")},
    ),
    "years alone, days with half a year, and days to come": _roll(
        [[*HEAD, "出生日期", "认定日期"], ["王秀英", A, EAST, "1948", ""], ["李大山", B, EAST, "", 2024],
         ["赵老太", C, EAST, "", "240312"], ["孙大爷", D, EAST, "", "2099-03-12"]],
        faults={2: ("出生日期", "“1948”只有年份", "补上月和日"), 3: ("认定日期", "“2024”只有年份"),
                4: ("认定日期", "“240312”不是真实的日期"), 5: ("认定日期", "2099-03-12 晚于今天")},
    ),
    "several telephones in one cell, lost zeros, country codes": _roll(
        [[*HEAD, "电话"], ["王秀英", A, EAST, "13800138000、0556-5512345"], ["李大山", B, EAST, 5565512345],
         ["赵老太", C, EAST, "+86 139 0000 0001"]],
        "王秀英", "李大山", "赵老太",
    ),
    "telephones that are none": _roll(
        [[*HEAD, "手机"], ["王秀英", A, EAST, "1380013800"], ["李大山", B, EAST, "同上"]],
        faults={2: ("手机", "应为 11 位，这里有 10 位"), 3: ("手机", "只能包含数字")},
    ),
    "communities by every name, and unknown ones": _roll(
        [HEAD, ["王秀英", A, "松东"], ["李大山", B, "松西社区居委会"], ["赵老太", C, "东山村"], ["孙大爷", D, ""]],
        "王秀英", "李大山",
        faults={4: ("社区", "找不到名为“东山村”"), 5: ("社区", "没有写明居住社区")},
    ),
    "codes of divisions": _roll(
        [["姓名", "身份证号", "区划代码"], ["王秀英", A, 340802097001], ["李大山", B, "340802"]],
        "王秀英",
        faults={3: ("区划代码", "不是您管辖范围内的社区")},
    ),
    "several kinds of difficulty in a cell, some unheard of": _roll(
        [[*HEAD, "人员类别"], ["王秀英", A, EAST, "低保；重病"], ["李大山", B, EAST, "困难党员"]],
        "王秀英",
        faults={3: ("人员类别", "认不出困难类别“困难党员”", "低保")},
    ),
    "what somebody is not, was, or may be": _roll(
        [[*HEAD, "人员类别", "居住情况"], ["王秀英", A, EAST, "非低保", "独居无子女"],
         ["李大山", B, EAST, "原低保户", "不独居"], ["赵老太", C, EAST, "低保（已取消）", "子女不在身边"],
         ["孙大爷", D, EAST, "无", "老伴去世"]],
        "王秀英",
        faults={3: ("人员类别", "“原低保户”说不清", "居住情况", "认不出居住状况“不独居”", "空巢"),
                4: ("人员类别", "“低保(已取消)”说不清", "认不出居住状况“子女不在身边”"),
                5: ("认不出居住状况“老伴去世”",)},
    ),
    "severe disability without a grade": _roll(
        [[*HEAD, "人员类别", "残疾等级"], ["王秀英", A, EAST, "重残", ""], ["李大山", B, EAST, "残疾", "五级"]],
        faults={2: ("人员类别", "没有一级或二级的残疾等级"), 3: ("残疾等级", "认不出残疾等级“五级”")},
    ),
    "disability cards for numbers": _roll(
        [["姓名", "残疾人证号", "社区", "类别"], ["王秀英", f"{A}41", EAST, ""], ["李大山", f"{B}94", EAST, ""]],
        "王秀英",
        faults={3: ("残疾人证号", "这里有 20 位")},
    ),
    "living conditions in their own words": _roll(
        [[*HEAD, "居住情况"], ["王秀英", A, EAST, "独自居住"], ["李大山", B, EAST, "与儿子住"],
         ["赵老太", C, EAST, "船上"]],
        "王秀英", "李大山",
        faults={4: ("居住情况", "认不出居住状况“船上”")},
    ),
    "a contact with no telephone": _roll([[*HEAD, "联系人", "联系人电话"], ["王秀英", A, EAST, "李明", ""]], "王秀英"),
    "the roll on the third sheet, behind instructions": _roll(
        [HEAD, ["王秀英", A, EAST]], "王秀英",
        sheet="Sheet3", before=[("封面", [["花名册"]]), ("填表说明", [["一、姓名按身份证填写"], ["二、…"]])],
    ),
    "columns nobody asked for, and one without a head": _roll(
        [["姓名", "备用1", "身份证号", "", "社区", "备用2"], ["王秀英", "x", A, "√", EAST, 3]], "王秀英"
    ),
    "headings with stars, brackets and line breaks": _roll(
        [["*姓\n名", "身份证号码（18位）", "所属社区*"], ["王秀英", A, EAST]],
        "王秀英",
        mapping={0: "name", 1: "id_number", 2: "area"},
    ),
    "a minority's name with a middle dot": _roll([HEAD, ["阿依古丽•买买提", A, EAST]], "阿依古丽·买买提"),
    "everything wrong in one line": _roll(
        [[*HEAD, "性别", "电话", "居住状况", "人员类别"],
         ["", _spoilt(A), "火星社区", "不知道", "138", "住在船上", "好人"]],
        faults={2: ("姓名", "身份证号", "社区", "性别", "电话", "居住状况", "人员类别", "校验位")},
    ),
    "a csv in GB18030 with rare characters": Roll(
        csv([HEAD, ["王㛃英", A, EAST]], encoding="gb18030"), frozenset({"王㛃英"})
    ),
    "a csv in UTF-8 with a mark, semicolons and numbers as formulas": Roll(
        csv([HEAD, ["王秀英", f'="{A}"', EAST]], encoding="utf-8-sig", delimiter=";"), frozenset({"王秀英"})
    ),
    "a csv in UTF-16 with tabs": Roll(
        csv([HEAD, ["王秀英", A, EAST]], encoding="utf-16", delimiter="\t"), frozenset({"王秀英"}),
    ),
    "a web page called xls": Roll(web_page([HEAD, ["王秀英", A, EAST]]), frozenset({"王秀英"})),
    "six hundred lines, one of them wrong": _roll(
        [*_long([HEAD], 600), ["李大山", B[:-1], EAST]],
        *(f"王秀{chr(0x4E00 + n)}" for n in range(1, 601)),
        faults={602: ("这里有 17 位",)},
    ),
    "an empty file": Roll(b"  \r\n", refused="文件是空的"),
    "a head and nothing below": Roll(xlsx([HEAD]), refused="没有数据行"),
    "no head": Roll(xlsx([["王秀英", A, EAST]]), refused="没有找到表头"),
    "half a workbook": Roll(xlsx([HEAD, ["王秀英", A, EAST]])[:900], refused="损坏"),
    "a picture": Roll(b"\xff\xd8\xff\xe0" + bytes(range(256)) * 4, refused="编码|表头"),
    "a document in a zip": Roll(b"", refused="不是可以读取的表格"),
}  # fmt: skip


def _document():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("word/document.xml", "<w:document/>")
    return buffer.getvalue()


ROLLS["a document in a zip"] = Roll(_document(), refused="不是可以读取的表格")


# --- an xls of 1997 ---


def _record(kind, body):
    return struct.pack("<HH", kind, len(body)) + body


def _label(row, column, text):
    body = struct.pack("<HHHHB", row, column, 0, len(text), 1) + text.encode("utf-16-le")
    return _record(0x0204, body)


def xls(rows):
    """Return a BIFF8 workbook in a compound file, with one sheet, as programs of 1997 write it."""
    globals_bof = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0x0DBB, 0x07CC, 0, 6))
    sheet_bof = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0x0DBB, 0x07CC, 0, 6))
    end = _record(0x000A, b"")
    title = "名册"
    at = len(globals_bof) + 4 + 8 + 2 * len(title) + len(end)
    bound = _record(0x0085, struct.pack("<IBBBB", at, 0, 0, len(title), 1) + title.encode("utf-16-le"))
    size = _record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, max(map(len, rows)), 0))
    cells = b"".join(
        _label(line, column, str(value))
        for line, row in enumerate(rows)
        for column, value in enumerate(row)
        if value != ""
    )
    return _compound(globals_bof + bound + end + sheet_bof + size + cells + end)


def _compound(stream):
    stream = stream.ljust(4096, b"\0")
    stream += b"\0" * (-len(stream) % 512)
    sectors = len(stream) // 512
    fat = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, sectors + 2), 0xFFFFFFFE]
    fat += [0xFFFFFFFF] * (128 - len(fat))
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16
    head += struct.pack("<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    head += struct.pack("<109I", 0, *[0xFFFFFFFF] * 108)
    entries = _entry("Root Entry", 5, child=1, start=0xFFFFFFFE, size=0)
    entries += _entry("Workbook", 2, child=0xFFFFFFFF, start=2, size=len(stream))
    entries += _entry("", 0, child=0xFFFFFFFF, start=0, size=0) * 2
    return head + struct.pack("<128I", *fat) + entries + stream


def _entry(name, kind, *, child, start, size):
    text = (name + "\0").encode("utf-16-le") if name else b""
    body = text.ljust(64, b"\0") + struct.pack("<HBBIII", len(text), kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child)
    return body + b"\0" * 36 + struct.pack("<IQ", start, size)


ROLLS["an xls of 1997"] = Roll(
    xls([HEAD, ["王秀英", A, EAST], ["李大山", B, "火星"]]), frozenset({"王秀英"}), {3: ("火星",)}
)
