"""Keys made, issued and revoked; what was taken by them added up, and noted in the journal."""

import secrets
from datetime import date, timedelta

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import Sum

from songhe.core.accounts.models import User
from songhe.core.calendar.services import now, today
from songhe.core.console.listing import COUNT_BOUND
from songhe.core.console.pages import Pages
from songhe.core.crypto.sealing import blind_index
from songhe.core.errors import Refused
from songhe.core.ids import uuid7
from songhe.core.journal.models import Access
from songhe.core.journal.services import note_access
from songhe.core.locks import locked
from songhe.core.saving import save
from songhe.core.scope.services import Scope, use
from songhe.faces.api.models import ApiKey, Standing, Taking

LONGEST = timedelta(days=366)
MARK = "songhe_"
# How exactly the last use is kept; spares a write on every request.
COARSE = timedelta(minutes=1)


def digest_of(text: str) -> bytes:
    """Return the HMAC-SM3 by which a key is known."""
    return blind_index(text, purpose="api.key")


@transaction.atomic
def make(*, user: User, name: str, purpose: str, last_day: date) -> ApiKey:
    """Enter which system is to come in as this person, what for and until when; ``issue`` gives the key itself."""
    if not user.may("api.make"):
        raise Refused(f"您的角色（{user.get_role_display()}）不能申请接口密钥。")
    if last_day < today():
        raise Refused("有效期不能在今天之前。", field="last_day")
    if last_day > today() + LONGEST:
        raise Refused("有效期最长一年，到期前可以重新申请。", field="last_day")
    if len(purpose.strip()) < 2:
        raise Refused("请写明用途：取数时登记的就是它。", field="purpose")
    with use(Scope.system()):
        return save(ApiKey(user=user, name=name.strip(), purpose=purpose.strip(), last_day=last_day))


@transaction.atomic
def issue(*, key: ApiKey, user: User) -> str:
    """Return a new key, to be shown this once; one issued before opens nothing from now on."""
    with use(Scope.system()):
        row = locked(ApiKey.objects.filter(pk=key.pk))
        if row.user_id != user.pk:
            raise Refused("密钥只能由账号本人生成：它等于本人的登录。")
        if row.revoked_at is not None or row.last_day < today():
            raise Refused("这个密钥已停用或已过期，请另行申请。")
        text = MARK + secrets.token_hex(32)
        row.digest, row.tail = digest_of(text), text[-4:]
        row.save(update_fields=["digest", "tail"])
    return text


@transaction.atomic
def revoke(*, key: ApiKey, user: User) -> ApiKey:
    """Close a key at once: the holder's own, or anybody's by whoever oversees them."""
    with use(Scope.system()):
        row = locked(ApiKey.objects.filter(pk=key.pk))
        if row.user_id != user.pk and not user.may("api.oversee"):
            raise Refused("只能停用自己的密钥。")
        if row.revoked_at is None:
            row.revoked_at, row.revoked_by = now(), user
            row.save(update_fields=["revoked_at", "revoked_by"])
    return row


def admit(text: str) -> ApiKey:
    """Return the key that somebody shows, before any scope is known; Refused, saying why, if it opens nothing."""
    key = ApiKey.objects.select_related("user__area").filter(digest=digest_of(text)).first()
    if key is None:
        raise Refused("没有这个密钥，请核对是否完整抄录。")
    if key.standing is not Standing.OPEN:
        raise Refused(f"密钥“{key.name}”{key.standing.label}，请到“接口密钥”重新申请。")
    if key.last_used_at is None or now() - key.last_used_at > COARSE:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now())
    return key


_ADD_UP = """
INSERT INTO api_taking (id, user_id, key_id, page, purpose, day, rows, requests) VALUES (%s, %s, %s, %s, %s, %s, %s, 1)
ON CONFLICT (user_id, page, day, key_id, purpose)
DO UPDATE SET rows = api_taking.rows + excluded.rows, requests = api_taking.requests + 1
"""


@transaction.atomic
def take(*, user: User, key: ApiKey | None, pages: Pages, purpose: str, rows: int) -> None:
    """Add rows to what was taken of a list today.

    Raises:
        PermissionDenied: it is more than a person may turn over on the list's page, and that is an export.
    """
    day = today()
    with use(Scope.system()):
        # Added before it is judged: requests of one key wait for each other here, and a refusal takes it back.
        with connection.cursor() as cursor:
            values = [uuid7(), user.pk, key.pk if key else None, pages.key, purpose[:200], day, rows]
            cursor.execute(_ADD_UP, values)
        taken = Taking.objects.filter(user=user, page=pages.key, day=day).aggregate(rows=Sum("rows"))["rows"]
        if taken > COUNT_BOUND and not pages.may(user, "export"):
            raise PermissionDenied(
                f"今天已从“{pages.heading}”取出 {taken - rows:,} 行。超过 {COUNT_BOUND:,} 行等同导出，"
                f"需要 {pages.permission('export')} 权限；请缩小范围，或明天再取。"
            )


@transaction.atomic
def note_takings() -> int:
    """Note in the journal what was taken on days that have ended, a line for each list, key and purpose."""
    with use(Scope.system()):
        over = Taking.objects.select_for_update(of=("self",)).filter(noted_at=None, day__lt=today())
        found = list(over.select_related("user", "key").order_by("id"))
        for taking in found:
            pages = taking.pages
            heading = pages.heading if pages else taking.page
            how = f"密钥“{taking.key}”" if taking.key else "网页会话"
            note_access(
                user=taking.user,
                act=Access.Act.EXPORT,
                table=pages.model._meta.db_table if pages else "",
                rows=taking.rows,
                reason=taking.purpose,
                subject=f"{heading}（接口，{how}，{taking.day}，{taking.requests} 次请求）",
            )
        Taking.objects.filter(pk__in=[taking.pk for taking in found]).update(noted_at=now())
    return len(found)
