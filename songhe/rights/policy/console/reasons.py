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
    return {"steps": steps, "facts_in_words": in_words(made.facts)}
