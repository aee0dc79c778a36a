"""The ledger's three tables: accounts, entries that happened once, and the postings that make each entry up.

Amounts are integers in the currency's minor unit (fen, cents). An account's balance is the sum of its postings and is
stored nowhere. A positive balance is a claim on money (a pot, a budget line, a credit, a debt to a provider); a
negative one is money held (a bank account). So every entry, and the whole ledger, sums to zero in each currency.
"""

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Func, Q

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.records import AppendOnly, Record
from songhe.core.scope.roles import HERE_OR_ABOVE, RowScope


class Currency(models.TextChoices):
    CNY = "CNY", "人民币"
    USD = "USD", "美元"


class AccountKind(models.TextChoices):
    BANK = "bank", "银行存款"
    POT = "pot", "资金池"
    BUDGET = "budget", "预算项目"
    CREDIT = "credit", "月度额度"
    RESERVED = "reserved", "订单占用"
    ACCRUED = "accrued", "已核验待结算"
    PAYABLE = "payable", "已审批待支付"


class EntryKind(models.TextChoices):
    RECEIVE = "receive", "资金到账"
    CONVERT = "convert", "结汇"
    APPROPRIATE = "appropriate", "下达预算"
    OPEN = "open", "开立额度"
    RESERVE = "reserve", "占用额度"
    RELEASE = "release", "释放占用"
    SETTLE = "settle", "核验入账"
    EXPIRE = "expire", "额度清零"
    APPROVE = "approve", "结算审批"
    PAY = "pay", "支付"
    CORRECT = "correct", "更正"


class Account(Record):
    """A place where money or a claim on money is; ``fund`` is the account whose money it is part of.

    ``floor`` is the least balance it may have; None means no limit.
    """

    row_scope: ClassVar = RowScope(
        area="area", area_sql=HERE_OR_ABOVE, provider="provider_id", elder="elder_id", writers=()
    )

    kind = models.CharField("账户类型", max_length=10, choices=AccountKind.choices)
    currency = models.CharField("币种", max_length=3, choices=Currency.choices, default=Currency.CNY)
    name = models.CharField("名称", max_length=120)
    owner_table = models.CharField("所属对象表", max_length=63)
    owner_id = models.UUIDField("所属对象编号")
    fund = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="parts",
        verbose_name="资金来自",
        db_index=False,
    )
    floor = models.BigIntegerField("余额下限", null=True, blank=True)
    area = models.ForeignKey(
        Area, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="区划", db_index=False
    )
    provider_id = models.UUIDField("服务商", null=True, blank=True)
    elder_id = models.UUIDField("老年人", null=True, blank=True)
    closed_on = models.DateField("关闭日期", null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = "账户"
        verbose_name_plural = "账户"
        ordering = ["kind", "name"]
        indexes = [
            models.Index(fields=["area", "kind"], name="ledger_account_area"),
            models.Index(fields=["fund", "kind"], name="ledger_account_fund"),
            models.Index(fields=["elder_id"], name="ledger_account_elder", condition=Q(elder_id__isnull=False)),
            models.Index(
                fields=["provider_id"], name="ledger_account_provider", condition=Q(provider_id__isnull=False)
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["owner_id", "owner_table", "kind", "currency", "provider_id"],
                name="ledger_account_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(condition=Q(kind__in=AccountKind.values), name="ledger_account_kind_known"),
            models.CheckConstraint(condition=Q(currency__in=Currency.values), name="ledger_account_currency_known"),
        ]
        triggers = [
            *Record.Meta.triggers,
            pgtrigger.ReadOnly(
                name="identity_stays",
                fields=[
                    "kind",
                    "currency",
                    "owner_table",
                    "owner_id",
                    "fund",
                    "floor",
                    "provider_id",
                ],
            ),
            pgtrigger.Protect(name="account_stays", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.name


class TopTransaction(Func):
    """The number of the top-level transaction under way: the same before and after savepoints."""

    template = "(pg_current_xact_id()::text::bigint)"
    output_field = models.BigIntegerField()

    def __init__(self) -> None:
        super().__init__()


_SEEN_WITH_A_POSTING = 'EXISTS (SELECT 1 FROM ledger_posting p WHERE p.entry_id = "ledger_entry"."id")'


class Entry(AppendOnly):
    """Something that happened to money, once; ``key`` says what, so that it cannot be booked again.

    ``source`` names the business object behind it. ``corrects`` is the entry that this one sets right.
    """

    row_scope: ClassVar = RowScope(
        area_sql=_SEEN_WITH_A_POSTING,
        provider_sql=_SEEN_WITH_A_POSTING,
        person_sql=_SEEN_WITH_A_POSTING,
        writers=(),
        append_only=True,
    )

    kind = models.CharField("业务类型", max_length=12, choices=EntryKind.choices)
    on = models.DateField("记账日期")
    memo = models.CharField("摘要", max_length=200)
    key = models.CharField("防重键", max_length=160, unique=True)
    source_table = models.CharField("来源对象表", max_length=63, blank=True)
    source_id = models.UUIDField("来源对象编号", null=True, blank=True)
    corrects = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="corrections", verbose_name="更正的分录"
    )
    user = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="经办人")
    made_in = models.BigIntegerField("所在事务", db_default=TopTransaction(), editable=False)

    class Meta(AppendOnly.Meta):
        verbose_name = "分录"
        verbose_name_plural = "分录"
        ordering = ["-on", "-id"]
        indexes = [
            models.Index(fields=["source_id"], name="ledger_entry_source", condition=Q(source_id__isnull=False)),
            models.Index(fields=["on"], name="ledger_entry_on"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=EntryKind.values), name="ledger_entry_kind_known"),
            models.CheckConstraint(condition=~Q(key=""), name="ledger_entry_has_key"),
            models.CheckConstraint(
                condition=Q(corrects__isnull=True) | ~Q(corrects=F("id")), name="ledger_entry_corrects_another"
            ),
        ]

    def __str__(self) -> str:
        return self.memo


class Posting(AppendOnly):
    """One line of an entry: what it adds to (or, if negative, takes from) one account, in the account's currency."""

    row_scope: ClassVar = RowScope(via="account", writers=(), append_only=True)

    entry = models.ForeignKey(Entry, models.PROTECT, related_name="postings", verbose_name="分录")
    account = models.ForeignKey(Account, models.PROTECT, related_name="postings", verbose_name="账户", db_index=False)
    amount = models.BigIntegerField("金额（最小货币单位）")

    class Meta(AppendOnly.Meta):
        verbose_name = "分录行"
        verbose_name_plural = "分录行"
        ordering = ["id"]
        indexes = [models.Index(fields=["account"], include=["amount"], name="ledger_posting_account")]
        constraints = [models.CheckConstraint(condition=~Q(amount=0), name="ledger_posting_not_nothing")]

    def __str__(self) -> str:
        return f"{self.amount}"
