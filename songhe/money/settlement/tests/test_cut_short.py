"""The process is killed in the middle of a settlement: what was finished stays whole, the rest is as if never begun."""

import os
import signal
import subprocess
import sys
import threading
import time

from django.conf import settings
from django.db import connection

from songhe.core.errors import Busy
from songhe.core.ledger import audit
from songhe.core.scope.services import Scope, use
from songhe.money.settlement import services
from songhe.money.settlement.models import Statement, StatementLine
from songhe.money.settlement.tests.test_settlement import draw
from songhe.money.settlement.tests.world import CODES, MONTH, NEXT, World

DRAWS = """
import sys, time
import django
django.setup()
from datetime import date
from songhe.core.calendar.services import at
from songhe.money.settlement import services

real, calls = services.draw_lines, []

def draw_and_wait(*arguments):
    drawn = real(*arguments)
    calls.append(drawn)
    if len(calls) == 2:
        print("drawn", flush=True)
        time.sleep(60)
    return drawn

services.draw_lines = draw_and_wait
with at(date(2026, 4, 1)):
    services.draw(month=date(2026, 3, 1))
"""


def three_providers() -> World:
    """A world in which each of three providers has made a visit."""
    with use(Scope.system()):
        world = World()
        credit = world.new_credit()
        day = 2
        for number, code in enumerate(CODES):
            provider, staff = (world.provider, world.staff) if not number else world.new_provider(f"第{number}家", code)
            if number:
                world.sign(provider, f"T-{number + 1}", 5000)
            world.visit(credit, day + number, provider=provider, staff=staff)
    return world


def test_providers_drawn_side_by_side(transactional_db):
    world = three_providers()
    begun, meeting, real = [], threading.Barrier(2, timeout=20), services.draw_lines

    def met(*arguments):
        begun.append(arguments)
        if len(begun) <= 2:
            meeting.wait()
        return real(*arguments)

    services.draw_lines = met
    try:
        with world.acting("clerk", NEXT) as clerk:
            drawn = services.draw(month=MONTH, user=clerk, at_once=2)
    finally:
        services.draw_lines = real
    assert (drawn.statements, drawn.visits, drawn.unpriced) == (3, 3, 0)
    with use(Scope.system()):
        assert Statement.objects.count() == StatementLine.objects.values("visit").distinct().count() == 3
        assert audit.verify().ok
    assert draw(world).visits == 0


def test_killed_between_and_within_statements(transactional_db):
    world = three_providers()

    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", DRAWS],
        stdout=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "songhe.config.settings",
            "SONGHE_DB": settings.DATABASES["default"]["NAME"],
        },
    )
    try:
        assert process.stdout.readline() == "drawn\n"
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()

    with use(Scope.system()):
        assert Statement.objects.count() == StatementLine.objects.count() == 1
    # The dead process's transaction is rolled back as soon as the server notices; drawing again says Busy until then.
    drawn = _again(world)
    assert (drawn.statements, drawn.visits) == (2, 2)
    with use(Scope.system()):
        assert Statement.objects.count() == StatementLine.objects.count() == 3
        assert StatementLine.objects.values("visit").distinct().count() == 3
        report = audit.verify()
        assert report.ok, str(report)


def _again(world):
    for _attempt in range(50):
        try:
            return draw(world)
        except Busy:
            time.sleep(0.1)
    return draw(world)


def test_two_clerks_draw_one_provider_at_once(transactional_db):
    with use(Scope.system()):
        world = World()
        world.visit(world.new_credit(), 2)
    results, start, real = [], threading.Barrier(2), services.draw_lines

    def slow(*arguments):
        time.sleep(0.5)
        return real(*arguments)

    def run():
        try:
            start.wait()
            results.append(draw(world).visits)
        except Busy as busy:
            results.append(busy.message)
        finally:
            connection.close()

    services.draw_lines = slow
    try:
        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        services.draw_lines = real
    assert sorted(map(str, results)) == ["1", "正有其他人在生成这家服务商的结算单，请稍候再试。"]
    with use(Scope.system()):
        assert StatementLine.objects.count() == 1
