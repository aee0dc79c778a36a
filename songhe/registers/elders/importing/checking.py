"""Judging one line of a roll by itself: what each cell means, and what is wrong with it and what to do."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache, partial
from typing import Any, NamedTuple, TypeVar

from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.errors import Refused
from songhe.registers.elders import identity, names, rules
from songhe.registers.elders.importing.columns import LABELS, fold
from songhe.registers.elders.models import DifficultyKind, Elder, LivingSituation, Sex

SPREADSHEET_DAY_0 = date(1899, 12, 30)
YEARS = range(1880, 2101)
"""The years that a roll's days lie in; others were misread or mistyped."""
NOTHING = frozenset({"", "无", "否", "没有", "/", "-", "—", "--", "不详", "未知", "N/A", "NULL", "空"})
TOTALS = re.compile(r"^(合计|总计|小计|共计|本页|填表|制表|审核|负责人|单位盖章|注[:：]|备注[:：]|说明[:：])")

_SEXES = {"男": Sex.MALE, "女": Sex.FEMALE, "男性": Sex.MALE, "女性": Sex.FEMALE, "1": Sex.MALE, "2": Sex.FEMALE}

# How offices write it, most particular first: what lies within a more particular word does not count again.
_LIVING = (
    ("独居|独自", LivingSituation.ALONE),
    ("空巢", LivingSituation.EMPTY_NEST),
    ("留守", LivingSituation.LEFT_BEHIND),
    ("机构|养老院|敬老院", LivingSituation.INSTITUTION),
    ("子女|儿", LivingSituation.WITH_CHILDREN),
    ("配偶|老伴|夫妻", LivingSituation.WITH_SPOUSE),
    ("其他|其它", LivingSituation.OTHER),
)
_DIFFICULTIES = (
    ("(?:(?:低保|最低生活保障)(?:对象|家庭|户)?[(（]?)?边缘", DifficultyKind.MINIMUM_LIVING_MARGINAL),
    ("低收入", DifficultyKind.LOW_INCOME),
    ("低保|最低生活保障", DifficultyKind.MINIMUM_LIVING),
    ("特困|五保|三无", DifficultyKind.DESTITUTE),
    ("失独|计生特殊|计划生育特殊|计划生育特别", DifficultyKind.BEREAVED_ONLY_CHILD),
    ("优抚", DifficultyKind.ENTITLED_GROUP),
    (r"重度\w{0,4}?残疾|重残", DifficultyKind.DISABLED_SEVERE),
    ("残疾", DifficultyKind.DISABLED),
    ("三老", DifficultyKind.THREE_OLDS),
    ("大病|重病|重大疾病", DifficultyKind.MAJOR_ILLNESS),
)
# What is said around a word: that it is not so (非低保, 残疾：无), or that it was or may be (原低保, 低保已取消).
_BEFORE_IT = (
    "(?:(?:(?P<no>(?<!三)[不非未无没否])|(?P<unsure>原|曾|拟|取消|退出|停发|申请|疑似))"
    "[与和跟同是属于单再算有在为入住到享受纳评定领取列愿想经]{0,4})?"
)
_AFTER_IT = (
    "(?:(?P<off>[:：=(（]?[否×]|[:：=]无)"
    "|(?:户|对象|家庭|人员)?[(（]?(?P<doubt>(?:现?已)?(?:取消|退出|停|注销|终止|申请|待批|待审|[?？])))?"
)
# Whom somebody has but does not live with.
_AWAY = re.compile("[^，,、；;。]*(?:不|没|未|外|去世|过世|已故|病故|死|亡|离|分居)")
_RELATIVES = frozenset({LivingSituation.WITH_CHILDREN, LivingSituation.WITH_SPOUSE})
_DISABLED, _SEVERE = DifficultyKind.DISABLED.value, DifficultyKind.DISABLED_SEVERE.value
_ROUNDED = re.compile(r"\d(\.\d+)?E\+?\d+", re.IGNORECASE)
_CARD = re.compile(r"(\d{17}[\dX])[1-7]([1-4])")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_TWELVE = re.compile(r"[0-9]{12}")
_GRADES = {"一": 1, "二": 2, "三": 3, "四": 4, "1": 1, "2": 2, "3": 3, "4": 4}
_AREA_TAILS = re.compile(r"(社区居民委员会|社区居委会|居民委员会|村民委员会|居委会|村委会|社区|村)$")
_STREET_TAILS = re.compile(r"(街道办事处|街道办|人民政府|街道|镇|乡)$")


Meaning = TypeVar("Meaning", DifficultyKind, LivingSituation)


class Wrong(Exception):
    """A cell that cannot be taken: what is wrong, and what to do."""

    def __init__(self, wrong: str, todo: str = "请核对后改正。") -> None:
        super().__init__(wrong)
        self.wrong = wrong
        self.todo = todo


class Fault(NamedTuple):
    """What is wrong with a cell, and what to do, where it was read before."""

    wrong: str
    todo: str


@dataclass(slots=True)
class Judged:
    """A line as read: ``values`` by target, ``errors`` and ``notes`` as ``{column, wrong, todo}``.

    ``no_number`` says why the line has no usable identity number; it is an error unless the person is known otherwise.
    """

    values: dict[str, Any] = field(default_factory=dict)
    no_number: dict[str, str] | None = None
    errors: list[dict[str, str]] = field(default_factory=list)
    notes: list[dict[str, str]] = field(default_factory=list)


class Places:
    """The communities a roll may name, by name and street; only those of the importer's scope."""

    def __init__(self, communities: Iterable[Area]) -> None:
        self.by_name: dict[str, list[Area]] = defaultdict(list)
        self.by_code: dict[int, Area] = {}
        for area in communities:
            self.by_code[area.code] = area
            for name in {area.name, _AREA_TAILS.sub("", area.name)}:
                self.by_name[name].append(area)

    @classmethod
    def of(cls, area: Area) -> "Places":
        """Return the communities of an area's subtree."""
        rows = Area.objects.filter(code__gte=area.code, code__lt=area.upper, level=Area.Level.VILLAGE)
        return cls(rows.select_related("parent"))

    def find(self, name: str, street: str = "") -> Area:
        """Return the one community a roll means; Wrong if there is none or more than one."""
        found = self.by_name.get(name) or self.by_name.get(_AREA_TAILS.sub("", name)) or []
        if street:
            stem = _STREET_TAILS.sub("", street)
            found = [area for area in found if area.parent and stem in area.parent.name] or found
        if not found:
            raise Wrong(f"找不到名为“{name}”的社区或村，或不在您的管辖范围内", "请按区划名称填写社区全称。")
        if len(found) > 1:
            streets = "、".join(sorted(area.parent.name for area in found if area.parent))
            raise Wrong(
                f"有 {len(found)} 个社区叫“{name}”（{streets}）", "请增加一列街道（乡镇），或填写 12 位区划代码。"
            )
        return found[0]

    def of_code(self, text: str) -> Area:
        """Return the community of a 12-digit code; Wrong if it is not one of the scope's."""
        area = self.by_code.get(int(text)) if _TWELVE.fullmatch(text) else None
        if area is None:
            raise Wrong(f"区划代码“{text}”不是您管辖范围内的社区或村", "请填写 12 位社区（村）代码。")
        return area


class Checker:
    """Reads lines under one mapping; ``mapping`` is column number → target.

    ``kinds`` are the kinds of difficulty that being on the roll attests; ``needs_area`` is false for rolls that enter
    nobody, whose communities do not matter. A difficulty without a day of its own counts from ``as_of``, the roll's.
    """

    def __init__(
        self,
        *,
        head: list[str],
        mapping: dict[int, str],
        places: Places,
        default_area: Area | None,
        kinds: Iterable[str] = (),
        needs_area: bool = True,
        as_of: date | None = None,
    ) -> None:
        self.head = head
        self.today = today()
        self.day = (as_of or self.today).isoformat()
        self.kinds = list(kinds)
        self.needs_area = needs_area
        self.columns = {key: column for column, key in mapping.items()}
        readers: dict[str, Callable[[str], Any]] = {**_READERS, "id_number": partial(_id_number, on=self.today)}
        self.ways = [
            (key, column, _kept(key, readers.get(key, str)), _NEEDED if key in ("name", "id_number") else NOTHING)
            for key, column in self.columns.items()
        ]
        self.difficulties = lru_cache(KEPT)(self._kinds)
        self.places = places
        self.default_area = default_area
        self.folded_head = {fold(name) for name in head if name}

    def is_row(self, cells: list[str]) -> bool:
        """Tell whether a line is about a person: not blank, not a total or a signature, not the head once more."""
        filled = [cell for cell in cells if cell]
        if not filled or TOTALS.match(filled[0].replace(" ", "")):
            return False
        # The longest first: it is a heading the least often, and one that is none settles it.
        if fold(max(filled, key=len)) in self.folded_head and all(fold(cell) in self.folded_head for cell in filled):
            return False
        # A running number alone, as forms are printed with empty lines to fill in.
        return not (len(filled) == 1 and filled[0].isdecimal())

    def judge(self, cells: list[str]) -> Judged:
        """Return what a line says and all that is wrong with it, not only the first fault."""
        line = Judged()
        values, width = line.values, len(cells)
        for key, column, read, nothing in self.ways:
            text = cells[column] if column < width else ""
            if text in nothing:
                continue
            said = read(text)
            if said.__class__ is Fault:
                self._fault(line, key, said.wrong, said.todo)
            else:
                values[key] = said
        self._identity(line)
        self._area(line, cells)
        self._difficulty(line)
        self._contact(line)
        return line

    def _fault(self, line: Judged, key: str, wrong: str, todo: str = "") -> None:
        self._complain(line, key, wrong, todo)
        if key == "id_number":
            line.no_number = line.errors.pop()

    def _complain(self, line: Judged, key: str, wrong: str, todo: str = "") -> None:
        line.errors.append({"column": self._heading(key), "wrong": wrong.rstrip("。"), "todo": todo})

    def _note(self, line: Judged, key: str, wrong: str) -> None:
        line.notes.append({"column": self._heading(key), "wrong": wrong.rstrip("。"), "todo": ""})

    def _heading(self, key: str) -> str:
        column = self.columns.get(key)
        return self.head[column] if column is not None and self.head[column] else LABELS[key]

    def _identity(self, line: Judged) -> None:
        said = line.values.pop("id_number", None)
        if said is None:
            if line.no_number is None:
                self._fault(line, "id_number", "名册没有身份证号列", "请核对是否为已有档案的老人。")
            return
        values = line.values
        values["id_number"] = said.number
        if said.was_old:
            self._note(line, "id_number", "15 位旧号码已换算为 18 位")
        if said.grade is not None:
            self._note(line, "id_number", "由残疾人证号取前 18 位")
            values.setdefault("disability_grade", said.grade)
        if (born := values.get("birth_date")) and not _agrees(born, said.birth_date):
            todo = "请核对后改正其中一项，或清空出生日期列。"
            self._complain(line, "birth_date", f"与身份证号中的 {said.birth_date} 不一致", todo)
        if values.get("sex") not in (None, said.sex):
            self._complain(line, "sex", "与身份证号不一致", "第 17 位奇数为男、偶数为女，请核对。")
        values["birth_date"], values["sex"] = said.birth_date.isoformat(), said.sex
        if warning := rules.age_warning(said.birth_date, self.today):
            self._note(line, "id_number", warning)

    def _area(self, line: Judged, cells: list[str]) -> None:
        values = line.values
        street = values.pop("street", "")
        code, name = values.pop("area_code", ""), values.pop("area", "")
        if not self.needs_area:
            return
        try:
            if code:
                area = self.places.of_code(code)
            elif name:
                area = self.places.find(name, street)
            elif self.default_area is not None:
                area = self.default_area
            else:
                raise Wrong("没有写明居住社区", "请填写社区，或在上传时选定默认社区。")
        except Wrong as error:
            self._complain(line, "area_code" if code else "area", error.wrong, error.todo)
        else:
            values["area"] = area.code

    def _difficulty(self, line: Judged) -> None:
        values = line.values
        grade = values.pop("disability_grade", None)
        first = values.pop("difficulty_first", "") or self.day
        evidence = values.pop("evidence", "")
        if kinds := self.difficulties(values.pop("difficulties", ()), grade):
            values["difficulties"] = [
                {"kind": kind, "grade": of_kind, "first": first, "evidence": evidence} for kind, of_kind in kinds
            ]
            if any(kind == DifficultyKind.DISABLED_SEVERE and of_kind not in (1, 2) for kind, of_kind in kinds):
                todo = "请在残疾等级列填写一级或二级。"
                self._complain(line, "difficulties", "写明重度残疾，但没有一级或二级的残疾等级", todo)

    def _kinds(self, said: tuple[str, ...], grade: int | None) -> list[tuple[str, int | None]]:
        """Return the kinds that a line and the roll itself attest, each with the grade that belongs to it."""
        kinds = [str(kind) for kind in dict.fromkeys((*said, *self.kinds))]
        if grade in (1, 2):
            severe = (_SEVERE if kind == _DISABLED else kind for kind in kinds)
            kinds = list(dict.fromkeys(severe))
        return [(kind, grade if kind in (_DISABLED, _SEVERE) else None) for kind in kinds]

    def _contact(self, line: Judged) -> None:
        values = line.values
        name, phone = values.pop("contact_name", ""), values.pop("contact_phone", "")
        relation = values.pop("contact_relation", "")
        if phone and name:
            values["contact"] = {"name": name, "relation": relation or "家属", "phone": phone}
        elif phone or name:
            missing = "contact_name" if phone else "contact_phone"
            self._note(line, missing, f"联系人缺{'姓名' if phone else '电话'}，未登记联系人")


# --- cells ---

KEPT = 50_000
"""How many different cells of a column are remembered; most columns say the same few things over and over."""

_NEEDED: frozenset[str] = frozenset()
# Hardly two people's are the same.
_OWN = frozenset({"id_number", "phone", "address", "registered_address", "contact_phone", "evidence", "remarks"})


def _kept(key: str, read: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return a reader of a column's cells that gives back what is wrong instead of raising it."""

    def told(text: str) -> Any:
        try:
            return read(text)
        except Wrong as error:
            return Fault(error.wrong, error.todo)
        except Refused as error:
            return Fault(error.message, "")

    return told if key in _OWN else lru_cache(KEPT)(told)


def _name(text: str) -> str:
    name = names.clean_name(text)
    if not name:
        raise Wrong("姓名为空", "请补填姓名。")
    if len(name) > 60 or any(map(str.isdecimal, name)):
        raise Wrong(f"“{name[:20]}”不像姓名", "请核对这一行是否错列。")
    return name


@dataclass(frozen=True)
class _Number:
    """An identity number as a roll gives it; ``grade`` where it came as a disability card's."""

    number: str
    birth_date: date
    sex: str
    was_old: bool
    grade: int | None = None


def _id_number(text: str, on: date) -> _Number:
    if text in NOTHING:
        raise Wrong("身份证号为空", "请补填；确无证件的老人请单独建档。")
    if _ROUNDED.fullmatch(text):
        todo = "请把该列改为文本格式后重新填写号码。"
        raise Wrong("身份证号被表格当作数字，末几位已经丢失", todo)
    plain = identity.plain(text)
    card = _CARD.fullmatch(plain) if len(plain) != 18 else None
    # A disability card's number is the identity number, one digit for the class and one for the grade.
    said = identity.read(card.group(1) if card else plain, on=on)
    return _Number(said.number, said.birth_date, said.sex, said.was_old, int(card.group(2)) if card else None)


def _sex(text: str) -> str:
    if text not in _SEXES:
        raise Wrong(f"“{text[:10]}”不是性别", "请填“男”或“女”。")
    return _SEXES[text]


def _date(text: str) -> str:
    """Read a date written any usual way, or a spreadsheet's day number; YYYY-MM where the day is not said."""
    digits = re.sub(r"[年月./]", "-", text).replace("日", "").strip("- ")
    digits = digits.split(" ")[0].split("T")[0]
    try:
        if found := re.fullmatch(r"(\d{4})(\d\d)(\d\d)|(\d{4})-(\d{1,2})-(\d{1,2})", digits):
            year, month, day = (_part(part) for part in found.groups() if part)
            return date(year, month, day).isoformat()
        if found := re.fullmatch(r"(\d{4})(\d\d)|(\d{4})-(\d{1,2})", digits):
            year, month = (_part(part) for part in found.groups() if part)
            return date(year, month, 1).isoformat()[:7]
        if re.fullmatch(r"[1-5]\d{4}", digits):
            return (SPREADSHEET_DAY_0 + timedelta(days=int(digits))).isoformat()
    except ValueError as error:
        raise Wrong(f"“{text[:20]}”不是真实的日期", "请按 1948-05-06 的样子填写。") from error
    if re.fullmatch(r"\d{4}", digits) and int(digits) in YEARS:
        raise Wrong(f"“{text[:20]}”只有年份", "请补上月和日，按 1948-05-06 的样子填写。")
    raise Wrong(f"认不出日期“{text[:20]}”", "请按 1948-05-06 的样子填写。")


def _part(digits: str) -> int:
    if len(digits) == 4 and int(digits) not in YEARS:
        raise ValueError(digits)
    return int(digits)


def _agrees(written: str, birth_date: date) -> bool:
    return birth_date.isoformat().startswith(written)


def _day(text: str) -> str:
    written = _date(text)
    return written if len(written) == 10 else f"{written}-01"


def _past_day(text: str) -> str:
    written = _day(text)
    if written > today().isoformat():
        raise Wrong(f"{written} 晚于今天", "请核对后改正日期。")
    return written


def _meant(words: Iterable[tuple[str, Meaning]], text: str) -> tuple[list[tuple[int, int, Meaning]], bool]:
    """Return what a text says is so, as (begin, end, meaning), and whether it denies anything; Wrong if it wavers."""
    seen: set[int] = set()
    found, denied = [], False
    for word, meaning in words:
        for match in re.finditer(f"{_BEFORE_IT}(?P<word>{word}){_AFTER_IT}", text):
            begin, end = match.span("word")
            if not seen.isdisjoint(range(begin, end)):
                continue
            seen.update(range(begin, end))
            if match["unsure"] or match["doubt"]:
                raise Wrong(f"“{text[:20]}”说不清现在是不是")
            if match["no"] or match["off"]:
                denied = True
            else:
                found.append((begin, end, meaning))
    return found, denied


def _living(text: str) -> str:
    todo = f"请填：{'、'.join(LivingSituation.labels)}。"
    try:
        found, _denied = _meant(_LIVING, text)
    except Wrong as error:
        raise Wrong(error.wrong, todo) from error
    for _begin, end, situation in found:
        if situation not in _RELATIVES or not _AWAY.match(text[end:]):
            return situation
    raise Wrong(f"认不出居住状况“{text[:20]}”", todo)


def _difficulties(text: str) -> tuple[str, ...]:
    todo = f"请填：{'、'.join(DifficultyKind.labels)}。"
    kinds: list[str] = []
    for part in re.split(r"[、,，;；/|+＋ ]+", re.sub(r"([:：=]) +", r"\1", text)):
        if part in NOTHING:
            continue
        try:
            found, denied = _meant(_DIFFICULTIES, part)
        except Wrong as error:
            raise Wrong(error.wrong, todo) from error
        if not found and not denied:
            raise Wrong(f"认不出困难类别“{part[:20]}”", todo)
        kinds += [str(kind) for _begin, _end, kind in sorted(found)]
    return tuple(dict.fromkeys(kinds))


def _grade(text: str) -> int:
    found = re.search(r"[一二三四1-4]", text)
    if not found:
        raise Wrong(f"认不出残疾等级“{text[:10]}”", "请填一级至四级。")
    return _GRADES[found.group()]


def _phone(text: str) -> str:
    """Read the first telephone number of a cell that may hold several; give back the zero that a number cell loses."""
    if _MOBILE.fullmatch(text):
        return text
    first = identity.plain(re.split(r"[、,，;；/|]+", text)[0])
    if re.fullmatch(r"[2-9]\d{8,10}", first):
        first = f"0{first}"
    return identity.phone(first)


def _within(field: str) -> Callable[[str], str]:
    limit: int | None = getattr(Elder._meta.get_field(field), "max_length", None)

    def read(text: str) -> str:
        if limit is not None and len(text) > limit:
            raise Wrong(f"有 {len(text)} 个字，最多 {limit} 个字", "请缩短后再导入。")
        return text

    return read


_READERS: dict[str, Callable[[str], Any]] = {
    **{field: _within(field) for field in ("ethnicity", "address", "registered_address", "remarks")},
    "name": _name,
    "sex": _sex,
    "birth_date": _date,
    "phone": _phone,
    "living_situation": _living,
    "difficulties": _difficulties,
    "disability_grade": _grade,
    "difficulty_first": _past_day,
    "died_on": _past_day,
    "contact_name": _name,
    "contact_phone": _phone,
}
