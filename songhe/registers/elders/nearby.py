"""Finding an elder by what was typed almost right: a wrong character or digit, or part of an address.

Asked only where the exact search found nobody; sealed numbers are still only compared whole, by the few that
lie one slip away from the typed one.
"""

import re
from collections.abc import Iterator

from django.db.models import Q, QuerySet

from songhe.core.crypto.sealing import blind_index, normal
from songhe.core.errors import Refused
from songhe.registers.elders import identity, names
from songhe.registers.elders.models import Contact, Elder

_HAN = re.compile(r"[^\x00-\x7f]")


def search_nearby(queryset: QuerySet[Elder], text: str) -> QuerySet[Elder]:
    """Return those whom a slightly wrong name, pinyin or number may mean, or who live at an address."""
    text = text.strip()
    folded = normal(text)
    if re.fullmatch(r"\d{17}[\dX]", folded):
        found = [blind_index(number, purpose="id_number_index") for number in slips_of_identity(folded)]
        return queryset.filter(id_number_index__in=found)
    if re.fullmatch(r"\d{10,12}", folded):
        found = [blind_index(number, purpose="phone_index") for number in slips_of_phone(folded)]
        contacts = list(Contact.objects.filter(phone_index__in=found).values_list("elder_id", flat=True)[:50])
        return queryset.filter(Q(phone_index__in=found) | Q(pk__in=contacts))
    if text.isascii():
        latin = re.sub(r"[^a-z]", "", text.lower())
        return queryset.filter(name_pinyin__startswith=latin[:-1]) if len(latin) > 3 else queryset.none()
    name = names.clean_name(text)
    if len(name) < 2:
        return queryset.none()
    if not _HAN.match(name):
        return queryset.filter(address__contains=text)
    # The same sounds; the last character wrong; the surname wrong; or part of where they live.
    alike = Q(name_pinyin=names.keys(name).pinyin)
    if len(name) > 2:
        alike |= Q(name__startswith=name[:-1]) | Q(given_name=name[1:])
    return queryset.filter(alike | Q(address__contains=text))


def slips_of_identity(number: str) -> Iterator[str]:
    """Yield the valid identity numbers one wrong character, or two exchanged neighbours, away from a wrong one."""
    for candidate in _slips(number, "0123456789X"):
        try:
            yield identity.read(candidate).number
        except Refused:
            continue


def slips_of_phone(number: str) -> Iterator[str]:
    """Yield the telephone numbers one wrong, missing or doubled digit, or two exchanged neighbours, away."""
    seen = set(_slips(number, "0123456789"))
    seen |= {number[:at] + number[at + 1 :] for at in range(len(number))}
    seen |= {number[:at] + digit + number[at:] for at in range(len(number) + 1) for digit in "0123456789"}
    for candidate in sorted(seen):
        try:
            yield identity.phone(candidate)
        except Refused:
            continue


def _slips(text: str, characters: str) -> Iterator[str]:
    for at, present in enumerate(text):
        for other in characters:
            if other != present:
                yield text[:at] + other + text[at + 1 :]
        if at + 1 < len(text) and text[at + 1] != present:
            yield text[:at] + text[at + 1] + present + text[at + 2 :]
