"""Whatever is done in whatever order, entries sum to zero, floors hold, and the credits agree with a plain model."""

from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from songhe.core.errors import Refused
from songhe.core.ids import uuid7
from songhe.core.ledger import audit, credits, services
from songhe.core.ledger.models import AccountKind, EntryKind
from songhe.core.ledger.selectors import held_by
from songhe.core.ledger.tests.conftest import DAY, Thing, make_treasury

FEN = st.integers(min_value=1, max_value=4000)
WHICH = st.integers(min_value=0, max_value=1)


class MonthOfCredits(RuleBasedStateMachine):
    """Two credits, two orders; the model keeps what each holds in plain dictionaries."""

    def __init__(self):
        super().__init__()
        self.savepoint = transaction.savepoint()
        self.steps = 0

    def teardown(self):
        try:
            report = audit.verify()
            assert report.ok, str(report)
        finally:
            transaction.savepoint_rollback(self.savepoint)

    @initialize()
    def begin(self):
        self.treasury = make_treasury(30000)
        self.credits = [self.treasury.credit(10000), self.treasury.credit(8000)]
        self.orders = [Thing("orders_order"), Thing("orders_order")]
        self.provider = uuid7()
        self.free = [10000, 8000]
        self.held = {}
        self.line = 12000
        self.earned = 0
        self.closed = [False, False]
        for number in (0, 1):
            self.reserve(number, number, 3000)

    def attempt(self, allowed, action):
        self.steps += 1
        try:
            with transaction.atomic():
                action()
        except Refused:
            assert not allowed
            return False
        assert allowed
        return True

    @rule(credit=WHICH, order=WHICH, fen=FEN)
    def reserve(self, credit, order, fen):
        if self.attempt(
            not self.closed[credit] and self.free[credit] >= fen,
            lambda: credits.reserve(
                self.credits[credit].pk, fen, source=self.orders[order], key=f"r{self.steps}", on=DAY
            ),
        ):
            self.free[credit] -= fen
            self.held[credit, order] = self.held.get((credit, order), 0) + fen

    @rule(credit=WHICH, order=WHICH, fen=FEN)
    def release(self, credit, order, fen):
        if self.attempt(
            self.held.get((credit, order), 0) >= fen,
            lambda: credits.release(
                self.credits[credit].pk, fen, source=self.orders[order], key=f"v{self.steps}", on=DAY
            ),
        ):
            self.held[credit, order] -= fen
            if self.closed[credit]:
                self.line += fen
            else:
                self.free[credit] += fen

    @precondition(lambda self: any(self.held.values()))
    @rule(order=WHICH)
    def settle_all(self, order):
        credits.settle_order(self.orders[order], provider_id=self.provider, on=DAY)
        for credit in (0, 1):
            self.earned += self.held.pop((credit, order), 0)

    @rule(credit=WHICH)
    def expire(self, credit):
        credits.expire([self.credits[credit]], on=DAY)
        self.line += self.free[credit]
        self.free[credit] = 0
        self.closed[credit] = True

    @rule(fen=FEN)
    def post_and_correct(self, fen):
        def there_and_back():
            self.steps += 1
            entry = services.post(
                kind=EntryKind.APPROPRIATE,
                on=DAY,
                lines=[(self.treasury.line, -fen), (self.treasury.pot, fen)],
                memo="收回",
                key=f"p{self.steps}",
            )
            return services.correct(entry, reason="误操作", on=DAY)

        self.attempt(self.line >= fen, there_and_back)

    @invariant()
    def the_model_agrees(self):
        if not hasattr(self, "held"):
            return
        assert [services.balance(credit) for credit in self.credits] == self.free
        assert services.balance(self.treasury.line) == self.line
        for number, order in enumerate(self.orders):
            model = sum(fen for (_credit, owner), fen in self.held.items() if owner == number)
            assert sum(held_by(order.pk, AccountKind.RESERVED).values()) == model
        assert services.balance(credits.accrued(self.treasury.line, self.provider)) == self.earned
        assert sum(self.free) + sum(self.held.values()) + self.line + self.earned == 30000


def test_any_interleaving_keeps_the_books(system):
    run_state_machine_as_test(
        MonthOfCredits,
        settings=settings(
            max_examples=12, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
