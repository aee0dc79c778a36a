"""Why something was decided, as its page tells it: step by step, and on what facts."""

import re
from typing import Any

from songhe.core.accounts.models import User
from songhe.rights.policy.models import Award, Decision
from songhe.rights.policy.rules import in_words

# The page numbers the steps itself.
_NUMBER = re.compile(r"^\d+\. ")


def reasons(made: Decision | Award, user: User) -> dict[str, Any]:
    """Give the tab the steps of the reasoning and the facts, as people read them."""
    steps = [_NUMBER.sub("", line) for line in made.explanation.splitlines()]
    found: dict[str, Any] = {"steps": steps, "facts_in_words": in_words(made.facts)}
    if isinstance(made, Decision) and made.previous is not None:
        found["before"] = made.previous
        found["changed_facts"] = changed_facts(made.previous.facts, made.facts)
        found["adjustments"] = made.adjustments.order_by("month")
    return found


def changed_facts(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return the facts that differ between two decisions, as people read them."""
    was, now = dict(in_words(before)), dict(in_words(after))
    return [(name, was.get(name, "—"), text) for name, text in now.items() if was.get(name, "—") != text]
