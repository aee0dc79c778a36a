"""Large lists taken out in the background: followed, stopped, fetched by whoever asked, whole or not at all."""

import os
import subprocess
import sys
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from django.conf import settings as product
from django.urls import reverse

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.areas.models import Area
from songhe.core.calendar.services import now
from songhe.core.console import exporting
from songhe.core.console.models import Export
from songhe.core.console.tests.conftest import ROOT
from songhe.core.console.tests.papers import PaperPages
from songhe.core.console.tests.test_export import sheet
from songhe.core.errors import Refused
from songhe.core.journal.models import Access
from songhe.core.scope.services import Scope, use
from songhe.core.testing.paper import Paper


@pytest.fixture(autouse=True)
def small(settings, tmp_path, monkeypatch):
    settings.EXPORT_AT_ONCE_ROWS = 3
    settings.FILES_ROOT = tmp_path
    monkeypatch.setattr(exporting, "CHUNK", 2)


def files():
    folder = Path(product.FILES_ROOT) / exporting.FOLDER
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def asked(client, **more):
    answer = client.post(f"{ROOT}export/", {"reason": "月底走访", **more})
    assert answer.status_code == 303 and answer["Location"] == reverse("console:downloads")
    return Export.objects.latest("id")


def opens(client):
    return client.get(reverse("console:downloads")).content.decode()


def fetches(client, export):
    return client.post(reverse("console:download-fetch", args=[export.pk]))


def test_a_small_list_comes_at_once_and_a_large_one_is_written_by_a_job(client, papers, clerk):
    papers(3)
    assert len(list(sheet(client.post(f"{ROOT}export/", {"reason": "月底走访"})).values)) == 4
    assert not Export.objects.exists()
    papers(3, subject="补交")
    assert "将在后台生成" in client.post(f"{ROOT}export/", {}, HTTP_HX_REQUEST="true").content.decode()
    export = asked(client)
    assert "排队中" in opens(client) and Access.objects.count() == 1
    assert "还没有可下载" in fetches(client, export).content.decode()
    exporting.write(export.pk)
    export.refresh_from_db()
    assert (export.state, export.done, export.total, export.searched) == ("ready", 6, 6, "")
    page = opens(client)
    assert "可下载" in page and "月底走访" in page and "every 2s" not in page
    rows = list(sheet(fetches(client, export)).values)
    assert rows[0][:3] == ("事由", "区划", "状态") and len(rows) == 7
    note = Access.objects.latest("line")
    assert (note.act, note.user_id, note.rows, note.reason) == ("export", clerk.pk, 6, "月底走访")


def test_the_job_takes_out_what_was_searched_filtered_and_shown_and_keeps_no_searched_text(client, papers):
    papers(5, subject="床位")
    papers(5, subject="轮椅")
    export = asked(client, q="轮椅", state="handed_in", sort="-subject")
    assert "轮椅" not in export.subject + export.query and Export.objects.get(pk=export.pk).searched == "轮椅"
    client.post(f"{ROOT}columns/", {"column": ["subject", "phone"]})
    exporting.write(export.pk)
    rows = list(sheet(fetches(client, export)).values)
    assert rows[0] == ("事由", "区划", "状态", "电话")
    assert [row[0] for row in rows[1:]] == [f"轮椅{n:03}" for n in (4, 3, 2, 1, 0)]
    assert not Export.objects.get(pk=export.pk).searched


def test_another_ones_file_cannot_be_seen_fetched_or_stopped(client, papers, make_user, sign_in):
    papers(5)
    export = asked(client)
    exporting.write(export.pk)
    other = sign_in(make_user("colleague"))
    assert "月底走访" not in opens(other)
    for name in ("download-fetch", "download-cancel"):
        answer = other.post(reverse(f"console:{name}", args=[export.pk]))
        assert answer.status_code == 409 and "不是您提出的" in answer.content.decode()
    assert not Access.objects.exists() and files() == [f"{export.pk}.xlsx"]


def test_rows_outside_the_scope_are_not_in_it_and_a_changed_scope_opens_no_file(client, papers, clerk, other_street):
    papers(5)
    with use(Scope.system()):
        Paper.objects.create(subject="别处", area=other_street)
    export = asked(client)
    exporting.write(export.pk)
    again = asked(client)
    assert "别处" not in str(list(sheet(fetches(client, export)).values))
    User.objects.filter(pk=clerk.pk).update(area=other_street)
    assert "已变更" in fetches(client, export).content.decode()
    exporting.write(again.pk)
    again.refresh_from_db()
    assert (again.state, again.path) == ("failed", "") and "已变更" in opens(client)


def test_who_may_export_no_more_gets_no_file(client, papers, clerk):
    papers(5)
    export = asked(client)
    exporting.write(export.pk)
    User.objects.filter(pk=clerk.pk).update(role=Role.FINANCE_CHECKER)
    assert "已变更" in fetches(client, export).content.decode()


def test_stopped_midway_leaves_no_file(client, papers, monkeypatch):
    papers(7)
    export = asked(client)
    go_on = exporting._go_on

    def stopped_at_four(row, done, total):
        if done == 4:
            assert "已写 2 / 7 条" in opens(client) and files() == [f"{export.pk}.part"]
            client.post(reverse("console:download-cancel", args=[export.pk]))
        go_on(row, done, total)

    monkeypatch.setattr(exporting, "_go_on", stopped_at_four)
    exporting.write(export.pk)
    export.refresh_from_db()
    assert (export.state, export.path, files()) == ("cancelled", "", [])
    exporting.write(export.pk)
    export.refresh_from_db()
    assert export.state == "cancelled" and "已取消" in opens(client)


def test_a_finished_file_is_removed_when_its_owner_or_the_clock_says_so(
    client, papers, django_capture_on_commit_callbacks
):
    papers(5)
    first, second = asked(client), asked(client)
    for export in (first, second):
        exporting.write(export.pk)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("console:download-cancel", args=[first.pk]))
    assert files() == [f"{second.pk}.xlsx"]
    second.refresh_from_db()
    assert second.expires_at - second.finished_at == timedelta(hours=product.EXPORT_KEPT_HOURS)
    Export.objects.filter(pk=second.pk).update(expires_at=now() - timedelta(minutes=1))
    assert "过保留期" in fetches(client, second).content.decode() and "已过期" in opens(client)
    with django_capture_on_commit_callbacks(execute=True):
        assert exporting.sweep(on=now()) == 1
    assert files() == []


def test_what_the_rules_refuse_is_told_and_leaves_no_file(client, papers, monkeypatch):
    papers(6)
    export = asked(client)
    monkeypatch.setattr(PaperPages, "export_limit", 5)
    exporting.write(export.pk)
    export.refresh_from_db()
    assert (export.state, files()) == ("failed", []) and "一次最多导出 5 行" in opens(client)


def test_a_person_has_only_so_many_under_way(client, papers):
    papers(5)
    for _ in range(exporting.AT_A_TIME):
        asked(client)
    assert "正在生成" in client.post(f"{ROOT}export/", {"reason": "再来一份"}).content.decode()
    assert Export.objects.count() == exporting.AT_A_TIME


def test_a_broken_off_file_is_swept_away(client, papers):
    folder = exporting._folder()
    (folder / "left.part").write_bytes(b"half")
    assert exporting.sweep(on=now()) == 0
    assert exporting.sweep(on=now() + timedelta(days=2)) == 1 and files() == []


PROCESS = """
import os, signal, sys
from uuid import UUID
import django
django.setup()
from django.conf import settings
from songhe.core.console import exporting
settings.FILES_ROOT = sys.argv[2]
exporting.CHUNK = 50
go_on = exporting._go_on
def killed(row, done, total):
    go_on(row, done, total)
    if done >= 100:
        os.kill(os.getpid(), signal.SIGKILL)
exporting._go_on = killed
exporting.write(UUID(sys.argv[1]))
"""


@pytest.mark.slow
def test_a_worker_killed_midway_leaves_no_file_to_fetch_and_the_next_one_writes_it_whole(transactional_db, tmp_path):
    with use(Scope.system()):
        county = Area.objects.filter(level="county").order_by("code").first()
        user = User.objects.create(username="taker", display_name="经办", role=Role.COUNTY_CLERK, area=county)
        export = Export.objects.create(
            user=user,
            page="areas-area",
            subject="区划",
            reason="核对",
            columns=["name", "code"],
            scope=repr(user.scope()),
        )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "songhe.config.settings"}
    environment["SONGHE_DB"] = product.DATABASES["default"]["NAME"]
    command = [sys.executable, "-W", "ignore", "-c", PROCESS, str(export.pk), str(tmp_path)]
    assert subprocess.run(command, env=environment, check=False).returncode == -9
    with use(Scope.system()):
        export.refresh_from_db()
        assert export.state == "running" and export.done == 100
        assert not [name for name in files() if name.endswith(".xlsx")]
        with pytest.raises(Refused, match="还没有可下载"):
            exporting.fetch(export_id=export.pk, user=user)
    exporting.write(export.pk)
    with use(Scope.system()):
        export.refresh_from_db()
        assert (export.state, files()) == ("ready", [f"{export.pk}.xlsx"])
        row, handle = exporting.fetch(export_id=export.pk, user=user)
        with handle:
            book = openpyxl.load_workbook(BytesIO(handle.read()))
        assert book.active.max_row == row.done + 1 == row.total + 1
