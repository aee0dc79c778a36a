import pytest

from songhe.registers.elders.names import clean_name, keys


@pytest.mark.parametrize(
    ("typed", "name", "pinyin", "initials", "given"),
    [
        ("王小明", "王小明", "wangxiaoming", "wxm", "小明"),
        (" 单 雄信", "单雄信", "shanxiongxin", "sxx", "雄信"),
        ("欧阳修", "欧阳修", "ouyangxiu", "oyx", "修"),
        ("吕布", "吕布", "lvbu", "lb", "布"),
        ("买买提.吐尔逊", "买买提·吐尔逊", "maimaitituerxun", "mmttex", "吐尔逊"),
        ("Ｊｏｈｎ  Smith", "John Smith", "johnsmith", "js", "Smith"),
        ("欧阳", "欧阳", "ouyang", "oy", "阳"),
    ],
)
def test_a_name_gets_the_keys_it_is_searched_by(typed, name, pinyin, initials, given):
    assert clean_name(typed) == name
    found = keys(name)
    assert (found.pinyin, found.initials, found.given) == (pinyin, initials, given)
