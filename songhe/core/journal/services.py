"""Sealing and verifying the journal, and noting who looked at what."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Any

from django.db import connection, models, transaction

from songhe.core.accounts.models import User
from songhe.core.crypto.fields import SealedField
from songhe.core.errors import Refused
from songhe.core.journal import sealing
from songhe.core.journal.models import Access, Seal
from songhe.core.journal.sealing import Line, Table
from songhe.core.scope.services import Scope, use

START = bytes(32)
SEALS_AT_ONCE = 100
_LOCK = 0x536F6E67


@dataclass(frozen=True)
class Flaw:
    """Something wrong with the journal: what, in which table, at which line (both empty for the chain itself)."""

    what: str
    table: str
    line: int | None

    def __str__(self) -> str:
        where = f"{self.table} 第 {self.line} 行" if self.line is not None else self.table
        return f"{where}：{self.what}"


@dataclass
class Report:
    """What a verification found. ``head`` is the chain's last digest (hex): kept elsewhere, it also proves the end."""

    seals: int = 0
    lines: int = 0
    unsealed: int = 0
    head: str = ""
    flaws: list[Flaw] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.flaws

    def __str__(self) -> str:
        found = f"已核对 {self.seals} 次封存、{self.lines} 行日志，另有 {self.unsealed} 行尚未封存。"
        found += f"链尾摘要 {self.head or '无'}。"
        if self.sound:
            return found + "未发现改动或缺失。"
        return found + f"发现 {len(self.flaws)} 处问题：\n" + "\n".join(f"  {flaw}" for flaw in self.flaws)


def seal(batch: int = 1000, *, patience: float = 10.0) -> int:
    """Seal all lines whose transactions are over, ``batch`` lines to a seal; return how many lines.

    A transaction makes up to a hundred seals. Waits up to ``patience`` seconds for transactions that may still hold
    lower line numbers; if they go on, nothing is sealed now and the next run does it.
    """
    up_to = _settled_line(patience)
    if up_to is None:
        return 0
    sealed = 0
    while count := _seal_runs(batch, up_to):
        sealed += count
    return sealed


def _settled_line(patience: float) -> int | None:
    """Return a line number below which no running transaction can still write; None if one runs on too long.

    Whoever writes a journal line holds its table's lock from before the number is drawn until after the commit.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(pg_sequence_last_value('journal_line'), 0)")
        (up_to,) = cursor.fetchone()
    waited_for = _writers()
    deadline = time.monotonic() + patience
    while waited_for & _writers():
        if time.monotonic() > deadline:
            return None
        time.sleep(0.1)
    return int(up_to)


def _writers() -> set[str]:
    """Return the running transactions that have written to any of the journal's tables."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT virtualtransaction FROM pg_locks JOIN pg_class ON pg_class.oid = relation "
            "WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted AND relname = ANY(%s) "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [[name for name, _columns in sealing.tables()]],
        )
        return {name for (name,) in cursor.fetchall()}


def _seal_runs(batch: int, up_to: int) -> int:
    sealed = 0
    with use(Scope.system()):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        last = Seal.objects.order_by("-number").first()
        named = sealing.tables()
        after = last.last_line if last else 0
        lines = sealing.stream(named, after=after, up_to=up_to, most=batch * SEALS_AT_ONCE)
        while run := list(islice(lines, batch)):
            last = _make_seal(last, named, run)
            sealed += len(run)
    return sealed


def _make_seal(last: Seal | None, named: list[Table], lines: list[Line]) -> Seal:
    used = sorted({line.table for line in lines})
    place = {tag: number for number, tag in enumerate(used)}
    tables = [named[tag] for tag in used]
    digests = sealing.pack(Line(line.number, place[line.table], line.digest) for line in lines)
    return Seal.objects.create(
        number=last.number + 1 if last else 1,
        first_line=lines[0].number,
        last_line=lines[-1].number,
        tables=tables,
        digests=digests,
        chain=sealing.chained(bytes(last.chain) if last else START, tables, digests),
    )


def verify(*, head: str = "", most: int = 100) -> Report:
    """Recompute the whole chain from the rows and report every altered, deleted or slipped-in line.

    ``head`` (hex) is a chain digest kept from an earlier verification: it must still be in the chain, which shows that
    nothing was cut off the end. At most ``most`` flaws are listed. Read-only; runs under the system's scope.
    """
    report = Report()
    with use(Scope.system()):
        last_line = _verify_seals(report, head, most)
        with connection.cursor() as cursor:
            cursor.execute("SELECT coalesce(pg_sequence_last_value('journal_line'), 0)")
            (up_to,) = cursor.fetchone()
        report.unsealed = sum(1 for _line in sealing.stream(sealing.tables(), after=last_line, up_to=up_to))
    del report.flaws[most:]
    return report


def _verify_seals(report: Report, head: str, most: int) -> int:
    before, number, last_line = START, 0, 0
    heads: set[str] = {""}
    present = dict(_columns_present())
    seals = Seal.objects.order_by("number").iterator(chunk_size=50)
    # Runs of one description are read by one cursor.
    for tables, run in groupby(seals, key=lambda seal: [(name, list(columns)) for name, columns in seal.tables]):
        for chunk in _chunks(run, 50):
            for seal in chunk:
                number += 1
                if seal.number != number:
                    report.flaws.append(Flaw(f"第 {number} 次封存缺失", "封存链", None))
                    number = seal.number
                if sealing.chained(before, tables, bytes(seal.digests)) != bytes(seal.chain):
                    report.flaws.append(Flaw(f"第 {seal.number} 次封存与前一次接不上，或其内容被改动", "封存链", None))
                before = bytes(seal.chain)
                heads.add(before.hex())
                report.seals += 1
            if len(report.flaws) < most:
                _compare(report, tables, chunk, last_line, present)
            last_line = chunk[-1].last_line
    report.head = before.hex() if report.seals else ""
    if head not in heads:
        report.flaws.append(Flaw("此前留存的链尾摘要不在链中：链的末段被截去或改写", "封存链", None))
    return last_line


def _compare(report: Report, tables: list[Table], seals: list[Seal], after: int, present: dict[str, set[str]]) -> None:
    """Compare sealed lines with the rows as they are; both come in the order of their numbers."""
    readable: list[Table] = []
    tags: list[int] = []
    for tag, (name, columns) in enumerate(tables):
        if set(columns) <= present.get(name, set()):
            readable.append((name, columns))
            tags.append(tag)
        else:
            gone = "、".join(sorted(set(columns) - present.get(name, set())))
            report.flaws.append(Flaw(f"封存时的列（{gone}）已不在表中，这些行无法核对", name, None))
    rows = sealing.stream(readable, after=after, up_to=seals[-1].last_line)
    sealed = (line for seal in seals for line in sealing.unpack(bytes(seal.digests)))
    row = next(rows, None)
    for line in sealed:
        report.lines += 1
        name = tables[line.table][0]
        while row is not None and row.number < line.number:
            report.flaws.append(Flaw("封存之后插入的行", readable[row.table][0], row.number))
            row = next(rows, None)
        if line.table not in tags:
            continue
        if row is None or row.number != line.number:
            report.flaws.append(Flaw("该行已被删除", name, line.number))
            continue
        if tags[row.table] != line.table or row.digest != line.digest:
            report.flaws.append(Flaw("该行已被改动", name, line.number))
        row = next(rows, None)
    while row is not None:
        report.flaws.append(Flaw("封存之后插入的行", readable[row.table][0], row.number))
        row = next(rows, None)


def _columns_present() -> Iterator[tuple[str, set[str]]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name::text, array_agg(column_name::text) FROM information_schema.columns "
            "WHERE table_schema = 'public' GROUP BY 1"
        )
        for name, columns in cursor.fetchall():
            yield name, set(columns)


def _chunks(seals: Iterator[Seal], size: int) -> Iterator[list[Seal]]:
    while chunk := list(islice(seals, size)):
        yield chunk


@transaction.atomic
def note_access(
    *,
    user: User,
    act: Access.Act,
    table: str,
    row_id: str = "",
    subject: str = "",
    rows: int = 1,
    reason: str,
) -> Access:
    """Note that somebody looked at masked data, took data out, or was turned away. Never changed afterwards."""
    with use(Scope.system()):
        return Access.objects.create(
            act=act,
            user_id=user.pk,
            user_name=user.display_name,
            table=table,
            row_id=row_id,
            subject=subject[:200],
            rows=rows,
            reason=reason.strip()[:200],
        )


def reveal(*, user: User, obj: models.Model, field: str, reason: str) -> str:
    """Return a masked number in full to whoever holds ``<room>.reveal`` and says why; look and refusal are noted."""
    column = obj._meta.get_field(field)
    if not isinstance(column, SealedField):
        raise TypeError(f"{obj._meta.label}.{field} 不是加密字段。")
    reason = reason.strip()
    name = f"{obj}（{column.verbose_name}）"
    noted: dict[str, Any] = {"user": user, "table": obj._meta.db_table, "row_id": str(obj.pk), "subject": name}
    if not user.may(f"{obj._meta.app_label}.reveal"):
        note_access(**noted, act=Access.Act.DENIED, reason=reason or "未填写")
        raise Refused("您的角色不能查看完整号码；本次尝试已登记。")
    if len(reason) < 2:
        raise Refused("请填写查看完整号码的理由。", field="reason")
    note_access(**noted, act=Access.Act.REVEAL, reason=reason)
    return str(getattr(obj, field))
