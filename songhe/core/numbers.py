"""Numbers that people read out: a prefix, the day, and a running number from a PostgreSQL sequence."""

from django.db import connection

from songhe.core.calendar.services import today


def next_number(prefix: str) -> str:
    """Return the next number such as ``DD260301000123``: prefix, yymmdd, six or more digits, never given twice."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('document_number')")
        (running,) = cursor.fetchone()
    return f"{prefix}{today():%y%m%d}{running:06d}"


def next_numbers(prefix: str, count: int) -> list[str]:
    """Return so many next numbers at once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('document_number') FROM generate_series(1, %s)", [count])
        return [f"{prefix}{today():%y%m%d}{running:06d}" for (running,) in cursor.fetchall()]
