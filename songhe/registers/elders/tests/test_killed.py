"""An import whose process is killed (kill -9) at any of its statements leaves all of the roll or nothing of it."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import date

import pytest
from django.conf import settings
from django.db import connection, transaction

from songhe.core.scope.services import Scope, use
from songhe.registers.elders.importing import services
from songhe.registers.elders.models import Difficulty, Elder, ImportRow, ImportSource, RollEntry
from songhe.registers.elders.tests.conftest import made_places
from songhe.registers.elders.tests.people import elder, number
from songhe.registers.elders.tests.sheets import xlsx

# For each number that it reads, a process of its own does the deed and kills itself before that many statements are
# done; the server only sees it gone. The parent answers with how it ended.
PROCESS = """
import os, signal, sys
from uuid import UUID
import django
django.setup()
from django.db import connection
from songhe.core.scope.services import Scope, use
from songhe.registers.elders.importing import services
deed, batch, lo, hi = sys.argv[1], UUID(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
done = last = 0
def count(execute, sql, params, many, context):
    global done
    done += 1
    if done == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return execute(sql, params, many, context)
for line in sys.stdin:
    last = int(line)
    child = os.fork()
    if child == 0:
        with connection.execute_wrapper(count), use(Scope.area(lo, hi)):
            getattr(services, deed)(batch_id=batch)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
POINTS = 12


@pytest.fixture
def street(transactional_db):
    with use(Scope.system()):
        places = made_places()
        elder(places["east"], "王秀英", birth_date=date(1948, 5, 6), order=12)
    return places["street"]


def of(street):
    return use(Scope.area(street.code, street.upper))


@contextmanager
def processes(deed, batch, street):
    """Give a function that does a deed in a process killed before its n-th statement, and returns how that ended."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "songhe.config.settings"}
    environment["SONGHE_DB"] = settings.DATABASES["default"]["NAME"]
    command = [sys.executable, "-W", "ignore", "-c", PROCESS, deed, str(batch.pk), str(street.code), str(street.upper)]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:

        def run(last):
            parent.stdin.write(f"{last}\n")
            parent.stdin.flush()
            return int(parent.stdout.readline())

        yield run
        parent.stdin.close()


def statements(deed, batch, street):
    """Return how many statements a deed takes, by doing it and rolling it back."""
    taken = []

    def count(execute, sql, params, many, context):
        taken.append(sql)
        return execute(sql, params, many, context)

    class Back(Exception):
        pass

    with pytest.raises(Back), transaction.atomic(), of(street):
        with connection.execute_wrapper(count):
            getattr(services, deed)(batch_id=batch.pk)
        raise Back
    return len(taken)


def state(street):
    """Return all that an import writes, once the killed process's connection is gone."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            if cursor.fetchone() == (0,):
                break
        time.sleep(0.05)
    with of(street):
        return (
            sorted(Elder.objects.values_list("pk", "name", "version")),
            Difficulty.objects.count(),
            RollEntry.objects.filter(closed_by=None).count(),
            sorted(ImportRow.objects.filter(applied=True, undone=False).values_list("number", flat=True)),
        )


@pytest.mark.parametrize("deed", ["apply", "undo"])
def test_a_killed_import_leaves_all_or_nothing(street, deed):
    rows = [[f"李大{chr(0x4E00 + n)}", number(date(1940, 2, 1 + n % 28), n), "松东社区", "低保"] for n in range(1, 25)]
    data = xlsx([["姓名", "身份证号", "社区", "类别"], ["王秀瑛", number(order=12), "松东社区", "特困"], *rows])
    with of(street):
        ImportSource.objects.create(area=street, name="民政局", is_whole=True)
        batch = services.stage(data=data, file_name="名册.xlsx", area=street, source="民政局")
        columns = {0: "name", 1: "id_number", 2: "area", 3: "difficulties"}
        services.map_columns(batch_id=batch.pk, mapping=columns)
        services.look_over(batch_id=batch.pk)
        if deed == "undo":
            services.apply(batch_id=batch.pk)
    before = state(street)
    total = statements(deed, batch, street)
    assert total > POINTS
    with processes(deed, batch, street) as run:
        for point in sorted({1 + total * n // POINTS for n in range(POINTS)} | {total}):
            assert run(point) == -signal.SIGKILL
            assert state(street) == before, f"杀于第 {point}/{total} 条语句"
        assert run(-1) == 0
    after = state(street)
    assert after != before
    assert (len(after[0]), len(after[3])) == ((25, 25) if deed == "apply" else (1, 0))
