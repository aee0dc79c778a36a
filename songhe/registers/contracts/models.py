"""What was agreed with providers: for which division, how long, at what price, and what part of the orders."""

from typing import ClassVar
from uuid import UUID

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Q

from songhe.core.areas.models import Area
from songhe.core.files.models import StoredFile
from songhe.core.records import Record
from songhe.core.scope.roles import HERE_OR_ABOVE, RowScope
from songhe.core.validity import has_days, no_overlap, validity_field
from songhe.registers.catalogue.models import Category, Service
from songhe.registers.providers.models import Provider


@pghistory.track()
class Contract(Record):
    """An agreement with one provider for one division; ``share_percent`` is the operator's part of the takings."""

    row_scope: ClassVar = RowScope(area="area", area_sql=HERE_OR_ABOVE, provider="provider")

    class Kind(models.TextChoices):
        PURCHASE = "purchase", "政府购买服务"
        OPERATION = "operation", "委托运营"

    number = models.CharField("合同编号", max_length=60)
    name = models.CharField("合同名称", max_length=100)
    kind = models.CharField("合同类型", max_length=10, choices=Kind.choices, default=Kind.PURCHASE)
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="contracts", verbose_name="服务商")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="适用区划")
    validity = validity_field("合同期限")
    signed_on = models.DateField("签订日期")
    share_percent = models.PositiveSmallIntegerField(
        "运营方分成（%）", null=True, blank=True, help_text="委托运营合同中归运营方的收入比例"
    )
    document = models.ForeignKey(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="合同文本"
    )
    ended_reason = models.CharField("提前终止原因", max_length=200, blank=True)

    class Meta(Record.Meta):
        verbose_name = "服务合同"
        verbose_name_plural = "服务合同"
        ordering = ["-signed_on", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["number"], name="contract_number_once", violation_error_message="已有此编号的合同。"
            ),
            models.CheckConstraint(condition=Q(kind__in=["purchase", "operation"]), name="contract_kind_known"),
            models.CheckConstraint(
                condition=Q(share_percent__isnull=True) | Q(share_percent__lte=100),
                name="contract_share_to_100",
                violation_error_message="分成比例应在 0 至 100 之间。",
            ),
            has_days("contract_has_days"),
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class ContractPrice(Record):
    """What one unit of a service is settled at under a contract, in fen, while ``validity`` lasts.

    ``provider`` and ``area`` are the contract's; kept here so that the database can refuse two prices at a time.
    """

    row_scope: ClassVar = RowScope(area="area", area_sql=HERE_OR_ABOVE, provider="provider")

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="prices", verbose_name="合同")
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="+", editable=False, verbose_name="服务商")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", editable=False, verbose_name="适用区划")
    service = models.ForeignKey(Service, models.PROTECT, related_name="contract_prices", verbose_name="服务项目")
    price_fen = models.BigIntegerField("结算价（分）")
    validity = validity_field()

    class Meta(Record.Meta):
        verbose_name = "合同价格"
        verbose_name_plural = "合同价格"
        ordering = ["service", "-validity"]
        constraints = [
            models.CheckConstraint(
                condition=Q(price_fen__gt=0),
                name="contract_price_positive",
                violation_error_message="结算价必须大于零。",
            ),
            has_days("contract_price_has_days"),
            no_overlap(
                "contract_price_once_at_a_time",
                "provider",
                "area",
                "service",
                message="该服务商在此区划、此期间已有这项服务的合同价格，请先结束原价格。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service_id} {self.price_fen}"


@pghistory.track()
class OrderShare(Record):
    """The part of a division's orders of one category that a contract promises a provider, in per cent; 0 ends it.

    ``provider`` and ``area`` are the contract's; kept here so that the database can refuse two shares at a time, and
    shares of all providers of more than the whole.
    """

    row_scope: ClassVar = RowScope(area="area", area_sql=HERE_OR_ABOVE, provider="provider")

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="order_shares", verbose_name="合同")
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="+", editable=False, verbose_name="服务商")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", editable=False, verbose_name="适用区划")
    category = models.ForeignKey(Category, models.PROTECT, related_name="+", verbose_name="服务类别")
    percent = models.PositiveSmallIntegerField("派单份额（%）")
    validity = validity_field()

    class Meta(Record.Meta):
        verbose_name = "派单份额"
        verbose_name_plural = "派单份额"
        ordering = ["category", "-validity"]
        constraints = [
            models.CheckConstraint(
                condition=Q(percent__lte=100),
                name="order_share_to_100",
                violation_error_message="派单份额应在 0 至 100 之间。",
            ),
            has_days("order_share_has_days"),
            no_overlap(
                "order_share_once_at_a_time",
                "provider",
                "area",
                "category",
                message="该服务商在此区划、此期间已有这个类别的派单份额，请先结束原份额。",
            ),
        ]
        triggers = [
            *Record.Meta.triggers,
            pgtrigger.Trigger(
                name="shares_to_100",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.Update,
                declare=[("whole", "bigint")],
                # Two that are agreed at once wait for each other. The sum is largest on a day some share begins.
                func="""
                    PERFORM pg_advisory_xact_lock(hashtextextended(
                        format('order-share:%s:%s', NEW.area_id, NEW.category_id), 0));
                    SELECT max(sums.percent) INTO whole FROM (
                        SELECT sum(held.percent) AS percent
                        FROM contracts_ordershare begins JOIN contracts_ordershare held
                            ON held.area_id = begins.area_id AND held.category_id = begins.category_id
                            AND held.validity @> lower(begins.validity)
                        WHERE begins.area_id = NEW.area_id AND begins.category_id = NEW.category_id
                            AND begins.validity && NEW.validity
                        GROUP BY begins.id
                    ) sums;
                    IF whole > 100 THEN
                        RAISE EXCEPTION 'shares of division % and category % add up to % per cent',
                            NEW.area_id, NEW.category_id, whole USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    @staticmethod
    def key(area: int, category: UUID) -> str:
        """Return the lock that whoever agrees a share of a category in a division holds; the database's check too."""
        return f"order-share:{area}:{category}"

    def __str__(self) -> str:
        return f"{self.category} {self.percent}%"
