"""Every read of dispatch: rankings for one order, plans of a day, measures over time."""

from songhe.care.dispatch.selectors.providers import ProviderChoice, rank_providers
from songhe.care.dispatch.selectors.ranking import CarerChoice, rank_carers

__all__ = ["CarerChoice", "ProviderChoice", "rank_carers", "rank_providers"]
