"""Opening and closing the months' credits."""

from datetime import date

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import Exists, F, OuterRef

from songhe.core.calendar.services import month_of
from songhe.core.errors import Refused
from songhe.core.ledger import credits
from songhe.packs.policies import SHARE
from songhe.registers.elders.models import Elder
from songhe.registers.funds.models import BudgetLine
from songhe.registers.funds.selectors import budget_line_for
from songhe.rights.policy.models import Credit, Entitlement, Policy

WHOLE = 100


@transaction.atomic
def open_month(*, month: date, policy: Policy) -> int:
    """Open the month's credit of everyone due under a policy; those opened before are left. Return how many.

    One ledger entry moves the whole sum from the budget line to the credits. Benefits that are no credit open nothing.

    Raises:
        Refused: no budget line serves the policy's purpose in that month, or it does not hold enough.
    """
    first, next_first = month_of(month)
    if not policy.opens_credit:
        return 0
    # Whose amount changed within the month has two entitlements in it, but one credit.
    opened = Credit.objects.filter(elder=OuterRef("elder"), month=first, entitlement__policy=policy)
    latest = (
        Entitlement.objects.filter(policy=policy, validity__overlap=DateRange(first, next_first, "[)"))
        .filter(~Exists(opened), elder__state=Elder.State.ACTIVE)
        .select_related("elder")
        .annotate(share=F(f"decision__results__{SHARE}"))
        .order_by("id")
    )
    due = list({entitlement.elder_id: entitlement for entitlement in latest}.values())
    if not due:
        return 0
    line = budget_line_for(purpose=policy.budget_purpose, area=policy.area_id, on=first)
    if line is None:
        raise Refused(f"{first:%Y年%m月}没有用途为“{policy.budget_purpose}”的预算项目，不能开立额度。")
    _open([(entitlement, entitlement.share) for entitlement in due], first, line, policy)
    return len(due)


@transaction.atomic
def open_credit(*, entitlement: Entitlement, month: date) -> Credit:
    """Open one elder's credit of a month, for someone found entitled when the month had begun."""
    first, _next = month_of(month)
    policy = entitlement.policy
    existing = Credit.objects.filter(elder_id=entitlement.elder_id, entitlement__policy=policy, month=first).first()
    if existing:
        return existing
    if not policy.opens_credit:
        raise Refused(f"“{policy.name}”不是服务额度或消费券，不开立月度额度。")
    line = budget_line_for(purpose=policy.budget_purpose, area=policy.area_id, on=first)
    if line is None:
        raise Refused(f"{first:%Y年%m月}没有用途为“{policy.budget_purpose}”的预算项目，不能开立额度。")
    share = entitlement.decision.results.get(SHARE)
    return _open([(entitlement, share)], first, line, policy)[0]


def _open(due: list[tuple[Entitlement, int | None]], first: date, line: BudgetLine, policy: Policy) -> list[Credit]:
    made = [
        Credit(
            entitlement=entitlement,
            elder_id=entitlement.elder_id,
            area_id=entitlement.area_id,
            month=first,
            amount_fen=entitlement.monthly_fen,
            share_percent=WHOLE if share is None else int(share),
            budget_line=line,
        )
        for entitlement, share in due
    ]
    accounts = credits.open_credits(
        line.account, made, on=first, memo=f"{first:%Y年%m月}{policy.name}额度 {len(made)} 人"
    )
    for credit in made:
        credit.account = accounts[credit.pk]
    return Credit.objects.bulk_create(made, batch_size=2000)


@transaction.atomic
def close_month(*, month: date, on: date) -> int:
    """Give what a past month's credits still hold free back to their budget lines; return how many were closed."""
    first, next_first = month_of(month)
    if on < next_first:
        raise Refused(f"{first:%Y年%m月}还没有结束，不能清零。")
    open_credits = list(
        Credit.objects.select_for_update(of=("self",))
        .filter(month=first, expired_on__isnull=True)
        .select_related("account", "budget_line__account")
        .order_by("id")
    )
    credits.expire(open_credits, on=on)
    return Credit.objects.filter(pk__in=[credit.pk for credit in open_credits]).update(expired_on=on)
