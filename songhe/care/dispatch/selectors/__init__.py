"""Every read of dispatch: rankings for one order, plans of a day, measures over time."""

from songhe.care.dispatch.selectors.ranking import CarerChoice, ProviderChoice, rank_carers, rank_providers

__all__ = ["CarerChoice", "ProviderChoice", "rank_carers", "rank_providers"]
