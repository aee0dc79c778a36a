"""A roll handed in by another system: checked at once, applied by nobody but a person."""

from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from songhe.core.areas.models import Area
from songhe.core.scope.services import Scope, use
from songhe.faces.api.tests.conftest import ROOT, System
from songhe.registers.elders.importing import services
from songhe.registers.elders.models import Elder, ImportBatch, ImportSource
from songhe.registers.elders.tests.people import number
from songhe.registers.elders.tests.sheets import csv
from songhe.registers.exchange.services import open_source

GOOD, BAD = number(date(1950, 1, 1), 77), "340802195001010000"


@pytest.fixture
def source(county):
    with use(county.user.scope()):
        return open_source(area=county.user.area, name="市人社局养老待遇名册")


def hands_in(system, source, rows, status=200, **more):
    file = SimpleUploadedFile("名册.csv", csv(rows, encoding="gb18030"))
    answer = system.client.post(f"{ROOT}/exchange/source/{source.pk}/deliveries", {"file": file, **more})
    assert answer.status_code == status, answer.content.decode()
    return answer.json()


def roll(county):
    with use(Scope.system()):
        own = county.user.area
        villages = Area.objects.filter(level=Area.Level.VILLAGE, statistical_only=False)
        code = str(villages.filter(code__gte=own.code, code__lt=own.upper).order_by("code").first().code)
    return [["姓名", "身份证号", "区划代码"], ["杜若蘅", GOOD, code], ["郑错号", BAD, code]]


def test_a_roll_is_checked_line_by_line_and_waits_for_a_person(county, source):
    told = hands_in(county, source, roll(county), as_of="2026-11-01")
    assert (told["stage"], told["as_of"], told["rows_read"]) == ("待导入", "2026-11-01", 2)
    assert (told["verdicts"]["new"], told["verdicts"]["wrong"], told["applied"]) == (1, 1, 0), told
    [wrong] = told["wrong"]
    assert wrong["line"] == 3 and wrong["errors"][0]["column"] == "身份证号" and wrong["errors"][0]["wrong"]
    path = f"/exchange/source/{source.pk}/deliveries/{told['id']}"
    assert county.asks(path) == told
    with use(county.user.scope()):
        assert not Elder.objects.filter(name="杜若蘅").exists()
        services.apply(batch_id=told["id"], user=county.user)
    now = county.asks(path)
    assert (now["stage"], now["applied"]) == ("已导入", 1)
    # The very same roll once more would tell nothing new.
    assert "不用再报" in hands_in(county, source, roll(county), 422)["detail"]
    with use(Scope.system()):
        assert ImportBatch.objects.filter(source=source).count() == 1


def test_a_roll_that_is_not_understood_is_kept_for_a_person_or_refused_with_the_reason(county, source):
    told = hands_in(county, source, [["姓名", "电话"], ["杜若蘅", "13800001111"]])
    assert told["stage"] == "待核对" and "对应哪一列" in told["refusal"]
    assert "表头" in hands_in(county, source, [["甲", "乙"], ["丙", "丁"]], 422)["detail"]
    answer = county.client.post(f"{ROOT}/exchange/source/{source.pk}/deliveries")
    assert [error["where"] for error in answer.json()["errors"]] == ["file"]
    with use(Scope.system()):
        assert ImportBatch.objects.filter(source=source).count() == 1


def test_nobody_hands_in_for_another_or_without_the_duty(county, source):
    with use(Scope.system()):
        inspector = System("inspector")
        street = Area.objects.get(pk=Elder.objects.first().area.parent_id)
        other = ImportSource.objects.create(area=street, name="街道自己的名册")
    assert "elders.import" in hands_in(inspector, source, roll(county), 403)["detail"]
    assert "其他区划" in hands_in(county, other, roll(county), 409)["detail"]
    told = hands_in(county, source, roll(county))
    assert county.asks(f"/exchange/source/{other.pk}/deliveries/{told['id']}", 404)
