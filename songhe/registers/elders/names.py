"""The keys by which a name is found: pinyin, initials, given name."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from pypinyin import lazy_pinyin

# Characters that sound differently as surnames, and compound surnames (with their sound where it differs).
SURNAMES = {
    "单": "shan", "解": "xie", "曾": "zeng", "仇": "qiu", "区": "ou", "查": "zha", "盖": "ge", "朴": "piao",
    "翟": "zhai", "缪": "miao", "覃": "qin", "员": "yun", "种": "chong", "黑": "he", "折": "she", "召": "shao",
    "洗": "xian", "牟": "mu", "阚": "kan", "隗": "wei", "卜": "bu", "句": "gou", "祭": "zhai", "臧": "zang",
    "藏": "zang", "谌": "chen", "晟": "cheng", "么": "yao", "粘": "nian", "乐": "yue", "适": "kuo", "尉": "wei",
    "繁": "po", "重": "chong", "教": "jiao", "郗": "xi", "车": "che", "宿": "su", "秘": "bi", "撒": "sa",
}  # fmt: skip
COMPOUND = {
    "欧阳": "ou yang", "司马": "si ma", "上官": "shang guan", "诸葛": "zhu ge", "尉迟": "yu chi",
    "万俟": "mo qi", "皇甫": "huang fu", "令狐": "ling hu", "长孙": "zhang sun", "慕容": "mu rong",
    "司徒": "si tu", "夏侯": "xia hou", "东方": "dong fang", "公孙": "gong sun", "轩辕": "xuan yuan",
    "宇文": "yu wen", "呼延": "hu yan", "端木": "duan mu", "澹台": "tan tai", "独孤": "du gu",
    "南宫": "nan gong", "西门": "xi men", "百里": "bai li", "申屠": "shen tu", "太史": "tai shi",
    "公冶": "gong ye", "濮阳": "pu yang", "淳于": "chun yu", "单于": "chan yu", "钟离": "zhong li",
    "鲜于": "xian yu", "闻人": "wen ren", "司空": "si kong", "赫连": "he lian", "拓跋": "tuo ba",
}  # fmt: skip
_HAN = re.compile(r"[\u4e00-\u9fff]+")
_NOT_LATIN = re.compile(r"[^a-z]")
_DOTS = "·•・‧．."


@dataclass(frozen=True)
class NameKeys:
    """What search compares: ``pinyin`` and ``initials`` in lower case, the ``given`` name without surname."""

    pinyin: str
    initials: str
    given: str


def clean_name(text: str) -> str:
    """Return a name as it is stored: no spaces inside Chinese names, one middle dot, one space between Latin words."""
    if _HAN.fullmatch(text):
        return text
    text = " ".join(unicodedata.normalize("NFKC", text).split())
    for dot in _DOTS:
        text = text.replace(dot, "·") if not text.isascii() else text
    return re.sub(r"(?<=[^\x00-\x7f]) | (?=[^\x00-\x7f])", "", text)


@lru_cache(maxsize=50_000)
def keys(name: str) -> NameKeys:
    """Return the search keys of a name; surnames that sound differently as surnames get that sound."""
    surname, given = _split(name)
    if surname in COMPOUND:
        syllables = COMPOUND[surname].split()
    elif surname in SURNAMES:
        syllables = [SURNAMES[surname]]
    else:
        syllables = lazy_pinyin(surname)
    syllables = [_NOT_LATIN.sub("", part.lower()) for part in (*syllables, *lazy_pinyin(given))]
    syllables = [part for part in syllables if part]
    pinyin = "".join(syllables) or "x"
    initials = "".join(part[0] for part in syllables) or "x"
    return NameKeys(pinyin[:120], initials[:30], given)


def _split(name: str) -> tuple[str, str]:
    if "·" in name:
        first, _dot, rest = name.partition("·")
        return first, rest
    if name.isascii():
        first, _space, rest = name.partition(" ")
        return first, rest
    length = 2 if name[:2] in COMPOUND and len(name) > 2 else 1
    return name[:length], name[length:]
