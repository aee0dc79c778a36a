"""Giving another region what an agreement allows, as a file, with a log that nobody can change."""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date
from hashlib import sha256
from typing import Any

from django.core.files import File
from django.db import transaction
from django.db.models import QuerySet
from openpyxl import Workbook

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.errors import Refused
from songhe.core.files.services import store
from songhe.core.saving import save
from songhe.core.scope.services import Scope, use
from songhe.core.validity import from_day, in_force, last_day
from songhe.registers.elders.models import Difficulty, Elder, ElderState
from songhe.registers.exchange.models import Handout, HandoutSubject, Partner

MOST = 200_000
PARTICULARS = ("姓名", "身份证号", "性别", "出生日期", "居住区划")
COLUMNS: dict[str, tuple[str, ...]] = {
    HandoutSubject.ELDERS: (*PARTICULARS, "居住状况", "状态"),
    HandoutSubject.DIFFICULTIES: (*PARTICULARS, "困难类别", "残疾等级", "认定单位", "起始日期", "最后有效日"),
    HandoutSubject.LEVELS: (*PARTICULARS, "能力等级", "评估日期", "评估标准"),
}
STANDARD = "GB/T 42195-2022"


@transaction.atomic
def agree(
    *,
    area: Area,
    name: str,
    agreement: str,
    first: date,
    last: date | None = None,
    recognises: bool = True,
    scales: list[str] | None = None,
    subjects: list[str] | None = None,
    contact: str = "",
    paper: "File[bytes] | None" = None,
    user: User,
) -> Partner:
    """Enter an agreement with another region: whether assessments are recognised, and what data may be given."""
    if last is not None and last < first:
        raise Refused("协议期止不能早于协议期起。", field="last")
    stored = store(paper, purpose="exchange.agreement", area=area, user=user) if paper is not None else None
    return save(
        Partner(
            area=area,
            name=name.strip(),
            agreement=agreement.strip(),
            validity=from_day(first, last),
            recognises=recognises,
            scales=scales or [],
            subjects=subjects or [],
            contact=contact.strip(),
            paper=stored,
        )
    )


@transaction.atomic
def hand_out(
    *, partner: Partner, area: Area, subject: str, form: str, reason: str, user: User
) -> tuple[Handout, bytes]:
    """Return the file for a partner region, and its line in the log; both or neither.

    Raises:
        Refused: no agreement allows it today, the area is not the person's, no reason is given, or it is too much.
    """
    if today() not in partner.validity:
        raise Refused(f"与{partner}的协议不在有效期内，不能提供数据。")
    if subject not in partner.subjects:
        raise Refused(f"与{partner}的协议不包括“{HandoutSubject(subject).label}”。", field="subject")
    if user.area is None or area.code not in user.area:
        raise Refused(f"{area.name}不在您的管辖范围内。", field="area")
    if not reason.strip():
        raise Refused("请写明提供的用途。", field="reason")
    rows = list(_rows(subject, area))
    if len(rows) > MOST:
        raise Refused(f"一次最多提供 {MOST:,} 条，请缩小区划。", field="area")
    columns = COLUMNS[subject]
    body = _xlsx(columns, rows) if form == Handout.Form.XLSX else _csv(columns, rows)
    log = Handout(
        partner=partner,
        area=area,
        subject=subject,
        columns=list(columns),
        rows=len(rows),
        form=form,
        digest=sha256(body).hexdigest(),
        reason=reason.strip()[:300],
        by=user,
    )
    with use(Scope.system()):
        log.save(force_insert=True)
    return log, body


def _rows(subject: str, area: Area) -> Iterator[tuple[Any, ...]]:
    if subject == HandoutSubject.DIFFICULTIES:
        found = Difficulty.objects.filter(in_force(today()), area_id__gte=area.code, area_id__lt=area.upper)
        for row in found.select_related("elder__area").order_by("area_id", "elder_id", "kind").iterator(2000):
            end = last_day(row.validity)
            told = (row.get_kind_display(), row.grade or "", row.source, row.validity.lower, end or "")
            yield (*_particulars(row.elder), *told)
        return
    for elder in _elders(area, assessed=subject == HandoutSubject.LEVELS).iterator(2000):
        if subject == HandoutSubject.LEVELS:
            yield (*_particulars(elder), elder.get_ability_level_display(), elder.ability_assessed_on, STANDARD)
        else:
            yield (*_particulars(elder), elder.get_living_situation_display(), elder.get_state_display())


def _elders(area: Area, *, assessed: bool) -> QuerySet[Elder]:
    rows = Elder.objects.filter(area_id__gte=area.code, area_id__lt=area.upper, state=ElderState.ACTIVE)
    rows = rows.filter(ability_level__isnull=False) if assessed else rows
    return rows.select_related("area").order_by("area_id", "name_pinyin", "id")


def _particulars(elder: Elder) -> tuple[Any, ...]:
    return elder.name, elder.id_number or "", elder.get_sex_display(), elder.birth_date, elder.area.full_name


def _xlsx(columns: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("数据")
    sheet.append(list(columns))
    for row in rows:
        sheet.append(list(row))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _csv(columns: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    # Spreadsheet programs read UTF-8 as such only where its mark stands before it.
    return text.getvalue().encode("utf-8-sig")
