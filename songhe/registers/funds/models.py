"""Money for elder care by source and purpose: pots, the rates of foreign ones, and the budget lines they feed."""

from typing import ClassVar

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from songhe.core.areas.models import Area
from songhe.core.ledger.models import Account, Currency
from songhe.core.records import Record
from songhe.core.scope.roles import HERE_OR_ABOVE, RowScope
from songhe.core.validity import has_days, no_overlap, validity_field


@pghistory.track()
class Pot(Record):
    """Money of one source in one currency, tied to purposes by a document; ``amount`` is what the document grants.

    ``account`` holds the claim on what has come in and is not yet given to budget lines; ``bank`` the money itself.
    """

    row_scope: ClassVar = RowScope(area="area", area_sql=HERE_OR_ABOVE)

    class Source(models.TextChoices):
        CENTRAL = "central", "中央财政"
        PROVINCE = "province", "省级财政"
        CITY = "city", "市级财政"
        COUNTY = "county", "县级财政"
        LOTTERY = "lottery", "福利彩票公益金"
        WORLD_BANK = "world_bank", "世界银行贷款"
        FOREIGN_LOAN = "foreign_loan", "其他外国贷款"
        INSURANCE = "insurance", "长期护理保险基金"
        DONATION = "donation", "社会捐赠"
        PRIVATE = "private", "社会投资"

    code = models.CharField("代码", max_length=60)
    name = models.CharField("名称", max_length=100)
    source = models.CharField("资金来源", max_length=20, choices=Source.choices)
    currency = models.CharField("币种", max_length=3, choices=Currency.choices, default=Currency.CNY)
    amount = models.BigIntegerField("核定总额（分）", help_text="以该币种的最小单位计")
    purposes = ArrayField(models.CharField(max_length=60), verbose_name="限定用途")
    document = models.CharField("依据文件", max_length=300)
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="管理区划")
    validity = validity_field("使用期限")
    account = models.OneToOneField(
        Account, models.PROTECT, related_name="pot", editable=False, verbose_name="资金池账户"
    )
    bank = models.OneToOneField(
        Account, models.PROTECT, related_name="pot_bank", editable=False, verbose_name="银行账户"
    )

    class Meta(Record.Meta):
        verbose_name = "资金来源"
        verbose_name_plural = "资金来源"
        ordering = ["source", "code"]
        constraints = [
            models.UniqueConstraint(
                fields=["code"], name="pot_code_once", violation_error_message="已有此代码的资金来源。"
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0),
                name="pot_amount_positive",
                violation_error_message="核定总额必须大于零。",
            ),
            models.CheckConstraint(
                condition=Q(purposes__len__gt=0),
                name="pot_has_purpose",
                violation_error_message="请写明限定用途。",
            ),
            models.CheckConstraint(
                condition=Q(
                    source__in=[
                        "central",
                        "province",
                        "city",
                        "county",
                        "lottery",
                        "world_bank",
                        "foreign_loan",
                        "insurance",
                        "donation",
                        "private",
                    ]
                ),
                name="pot_source_known",
            ),
            models.CheckConstraint(condition=Q(currency__in=Currency.values), name="pot_currency_known"),
            has_days("pot_has_days"),
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Rate(Record):
    """What one unit of a foreign currency is worth in yuan while ``validity`` lasts."""

    row_scope: ClassVar = RowScope(shared=True)

    currency = models.CharField("币种", max_length=3, choices=Currency.choices)
    yuan = models.DecimalField("折合人民币元", max_digits=12, decimal_places=6)
    validity = validity_field()
    source = models.CharField("依据", max_length=200)

    class Meta(Record.Meta):
        verbose_name = "汇率"
        verbose_name_plural = "汇率"
        ordering = ["currency", "-validity"]
        constraints = [
            models.CheckConstraint(
                condition=Q(yuan__gt=0), name="rate_positive", violation_error_message="汇率必须大于零。"
            ),
            models.CheckConstraint(
                condition=Q(currency__in=Currency.values) & ~Q(currency=Currency.CNY),
                name="rate_of_a_foreign_currency",
                violation_error_message="人民币不需要汇率。",
            ),
            has_days("rate_has_days"),
            no_overlap("rate_once_at_a_time", "currency", message="该币种在此期间已有汇率，请先结束原汇率。"),
        ]

    def __str__(self) -> str:
        return f"1 {self.currency} = {self.yuan} CNY"


@pghistory.track()
class BudgetLine(Record):
    """What a pot is to be spent on in a year in one division; ``account`` holds what it was given and still has."""

    row_scope: ClassVar = RowScope(area="area", area_sql=HERE_OR_ABOVE)

    code = models.CharField("代码", max_length=60)
    name = models.CharField("名称", max_length=100)
    pot = models.ForeignKey(Pot, models.PROTECT, related_name="lines", verbose_name="资金来源")
    year = models.PositiveSmallIntegerField("预算年度")
    purpose = models.CharField("列支用途", max_length=60)
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="使用区划")
    planned_fen = models.BigIntegerField("预算数（分）")
    validity = validity_field("使用期限")
    position = models.PositiveSmallIntegerField("列支次序", default=0, help_text="同一用途先用次序小的")
    account = models.OneToOneField(
        Account, models.PROTECT, related_name="budget_line", editable=False, verbose_name="预算账户"
    )

    class Meta(Record.Meta):
        verbose_name = "预算项目"
        verbose_name_plural = "预算项目"
        ordering = ["-year", "purpose", "position", "code"]
        indexes = [models.Index(fields=["purpose", "area"], name="budget_line_purpose")]
        constraints = [
            models.UniqueConstraint(
                fields=["code"], name="budget_line_code_once", violation_error_message="已有此代码的预算项目。"
            ),
            models.UniqueConstraint(
                fields=["pot", "purpose", "area", "year"],
                name="budget_line_once",
                violation_error_message="该资金本年度在此区划已有同一用途的预算项目。",
            ),
            models.CheckConstraint(
                condition=Q(planned_fen__gt=0),
                name="budget_line_planned_positive",
                violation_error_message="预算数必须大于零。",
            ),
            models.CheckConstraint(
                condition=Q(year__range=(2000, 2100)),
                name="budget_line_year_sensible",
                violation_error_message="预算年度不正确。",
            ),
            has_days("budget_line_has_days"),
        ]

    def __str__(self) -> str:
        return self.name
