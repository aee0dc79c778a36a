"""Two people press the same button at once: one wins. Without the lock both would: the control test shows it."""

import threading

import pytest

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.errors import Busy, Refused
from songhe.core.flow import services
from songhe.core.flow.models import Step
from songhe.core.scope.services import Scope, use
from songhe.core.testing.paper import Paper
from songhe.core.testing.races import together
from songhe.core.testing.streets import street_of_anqing


@pytest.fixture
def paper(paper_table, transactional_db):
    with use(Scope.system()):
        area = street_of_anqing()
        for name in ("one", "two"):
            User.objects.create(username=name, display_name=name, role=Role.FINANCE_CHECKER, area=area)
        paper = Paper.objects.create(subject="一件", area=area)
        services.start(paper)
    return paper


def press(paper, name):
    def act():
        with use(Scope.system()):
            return services.fire(paper, "check_it", user=User.objects.get(username=name)).state

    return act


def checks_noted() -> int:
    with use(Scope.system()):
        return Step.objects.filter(step="check_it").count()


def test_exactly_one_of_two_wins(paper):
    results = together(press(paper, "one"), press(paper, "two"))
    assert sorted(map(str, results))[0] == "checked"
    assert sum(isinstance(result, Refused) for result in results) == 1
    assert checks_noted() == 1


def test_control_without_the_lock_both_win(paper, monkeypatch):
    both_have_read = threading.Barrier(2)

    def unlocked(queryset, *, version=None):
        row = queryset.get()
        both_have_read.wait(timeout=10)
        return row

    monkeypatch.setattr(services, "locked", unlocked)
    # The to-do's row would queue them up too late to matter; only the step counts here.
    monkeypatch.setattr(services, "_renew_todos", lambda *_, **__: None)
    together(press(paper, "one"), press(paper, "two"))
    assert checks_noted() == 2


def test_waiting_too_long_is_said_in_words(paper, monkeypatch):
    held, done = threading.Event(), threading.Event()

    def hold():
        with use(Scope.system()):
            list(Paper.objects.filter(pk=paper.pk).select_for_update())
            held.set()
            done.wait(timeout=20)

    def late():
        held.wait(timeout=10)
        try:
            return press(paper, "one")()
        finally:
            done.set()

    _, result = together(hold, late)
    assert isinstance(result, Busy)
