"""What an entry is: balanced, whole, once, for ever; and who may see it."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from songhe.core.errors import Refused
from songhe.core.ids import uuid7
from songhe.core.ledger import services
from songhe.core.ledger.models import Account, AccountKind, Entry, EntryKind, Posting
from songhe.core.ledger.tests.conftest import AREA, DAY, Thing, make_treasury
from songhe.core.scope.services import Scope, use


def commit_checks():
    """Have the checks made that wait for the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def move(taken, given, fen, key="k"):
    return services.post(kind=EntryKind.APPROPRIATE, on=DAY, lines=[(taken, -fen), (given, fen)], memo="划拨", key=key)


def test_balances_are_sums_of_postings(treasury):
    assert services.balances([treasury.bank, treasury.pot, treasury.line]) == {
        treasury.bank.pk: -1_000_000,
        treasury.pot.pk: 0,
        treasury.line.pk: 1_000_000,
    }
    move(treasury.line, treasury.pot, 300)
    assert services.balance(treasury.line.pk) == 999_700
    commit_checks()


def test_an_account_is_opened_once(treasury):
    owner = Thing("funds_pot")
    first = services.account(kind=AccountKind.POT, owner=owner, name="甲")
    again = services.account(kind=AccountKind.POT, owner=owner, name="乙")
    dollars = services.account(kind=AccountKind.POT, owner=owner, name="甲", currency="USD")
    assert (first.pk, again.name) == (again.pk, "甲")
    assert dollars.pk != first.pk


def test_the_same_key_books_once(treasury):
    first = move(treasury.line, treasury.pot, 300)
    again = move(treasury.line, treasury.pot, 300)
    assert again.pk == first.pk
    assert services.balance(treasury.pot) == 300
    with pytest.raises(services.KeyReused):
        move(treasury.line, treasury.pot, 301)


def test_lines_that_do_not_balance_are_refused_before_they_are_written(treasury):
    with pytest.raises(services.NotBalanced):
        services.post(
            kind=EntryKind.PAY, on=DAY, lines=[(treasury.line, -5), (treasury.pot, 4)], memo="差一分", key="k"
        )
    dollars = services.account(kind=AccountKind.POT, owner=Thing("funds_pot"), name="美元", currency="USD")
    with pytest.raises(services.NotBalanced):
        services.post(kind=EntryKind.CONVERT, on=DAY, lines=[(treasury.line, -5), (dollars, 5)], memo="", key="k")


def test_an_entry_may_have_two_currencies_if_each_balances(treasury):
    owner = Thing("funds_pot")
    bank = services.account(kind=AccountKind.BANK, owner=owner, name="美元户", currency="USD")
    pot = services.account(kind=AccountKind.POT, owner=owner, name="世行贷款", currency="USD")
    services.post(
        kind=EntryKind.CONVERT,
        on=DAY,
        lines=[(pot, -100), (bank, 100), (treasury.bank, -712), (treasury.pot, 712)],
        memo="结汇",
        key="convert",
    )
    commit_checks()
    assert services.balance(treasury.pot) == 712


def test_an_overdraft_says_what_is_left(treasury):
    with pytest.raises(Refused, match=r"“居家服务”余额不足：可用 10,000.00 元，需要 10,000.01 元。"):
        move(treasury.line, treasury.pot, 1_000_001)
    assert not Entry.objects.filter(key="k").exists()


@pytest.mark.parametrize(
    ("amounts", "complaint"),
    [([-5, 4], "不平衡：CNY 合计为 -1"), ([], "只有 0 行"), ([-2_000_000, 2_000_000], "低于下限 0")],
)
def test_the_database_refuses_at_commit_whoever_writes(treasury, amounts, complaint):
    with pytest.raises(IntegrityError, match=complaint), transaction.atomic():
        entry = Entry.objects.create(kind=EntryKind.CORRECT, on=DAY, memo="硬写", key="raw")
        Posting.objects.bulk_create(
            [
                Posting(entry=entry, account=account, amount=amount)
                for account, amount in zip([treasury.line, treasury.pot], amounts, strict=False)
            ]
        )
        commit_checks()


def test_nothing_is_added_to_an_entry_later(transactional_db):
    with use(Scope.system()):
        treasury = make_treasury()
        entry = move(treasury.line, treasury.pot, 300)
        # Within its own transaction, savepoints or not, an entry may still be completed.
        with transaction.atomic():
            Posting.objects.bulk_create(
                [
                    Posting(entry=entry, account=treasury.line, amount=-1),
                    Posting(entry=entry, account=treasury.pot, amount=1),
                ]
            )
    with pytest.raises(IntegrityError, match="不能向已入账的分录追加"), use(Scope.system()):
        Posting.objects.bulk_create(
            [
                Posting(entry=entry, account=treasury.line, amount=-1),
                Posting(entry=entry, account=treasury.pot, amount=1),
            ]
        )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_posting SET amount = amount + 1",
        "DELETE FROM ledger_posting",
        "UPDATE ledger_entry SET memo = '改'",
        "DELETE FROM ledger_entry",
        "DELETE FROM ledger_account",
        "UPDATE ledger_account SET floor = NULL",
        "UPDATE ledger_account SET currency = 'USD'",
        "TRUNCATE ledger_posting",
    ],
)
def test_nothing_booked_is_changed(treasury, statement):
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_correction_undoes_or_adds_and_needs_a_reason(treasury):
    wrong = move(treasury.line, treasury.pot, 300)
    with pytest.raises(Refused, match="更正的理由"):
        services.correct(wrong, reason=" ", on=DAY)
    right = services.correct(wrong, reason="金额录错", on=DAY)
    assert services.correct(wrong, reason="金额录错", on=DAY).pk == right.pk
    assert (right.corrects_id, right.kind) == (wrong.pk, EntryKind.CORRECT)
    assert services.balance(treasury.pot) == 0
    services.correct(wrong, lines=[(treasury.line, -7), (treasury.pot, 7)], reason="应为七分", on=DAY, key="again")
    assert services.balance(treasury.pot) == 7
    commit_checks()


def test_each_sees_the_accounts_and_entries_of_their_own(treasury):
    elder, provider = uuid7(), uuid7()
    theirs = services.account(kind=AccountKind.CREDIT, owner=Thing("c"), name="额度", area=AREA, elder=elder)
    earned = services.account(kind=AccountKind.ACCRUED, owner=Thing("l"), name="待结", area=AREA, provider=provider)
    move(treasury.line, theirs, 500, key="open")
    move(treasury.line, earned, 700, key="earn")

    made = [treasury.line.pk, theirs.pk, earned.pk]

    def seen(scope):
        with use(scope):
            return (
                set(Account.objects.filter(pk__in=made).values_list("pk", flat=True)),
                set(Entry.objects.filter(postings__account__in=made).values_list("key", flat=True)),
                Posting.objects.filter(account__in=made).count(),
            )

    assert seen(Scope.of_persons([elder])) == ({theirs.pk}, {"open"}, 1)
    assert seen(Scope.of_provider(provider)) == ({earned.pk}, {"earn"}, 1)
    assert seen(Scope.of_provider(uuid7())) == (set(), set(), 0)
    assert seen(Scope.area(AREA + 1, AREA + 2)) == (set(), set(), 0)
    accounts, keys, lines = seen(Scope.area(AREA, AREA + 1))
    assert accounts == {treasury.line.pk, theirs.pk, earned.pk}
    assert keys == {f"give:{treasury.line.pk}", "open", "earn"}
    assert lines == 5


def test_only_the_ledger_writes(treasury):
    with pytest.raises(DatabaseError), use(Scope.area(AREA, AREA + 1)):
        Entry.objects.create(kind=EntryKind.CORRECT, on=DAY, memo="", key="raw")
