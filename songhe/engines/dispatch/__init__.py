"""Who should go to an elder, and when: the interface that every planner of visits keeps."""

from songhe.engines.dispatch.ranking import Candidate, Carer, Stay, Travel, VisitWish, rank

__all__ = ["Candidate", "Carer", "Stay", "Travel", "VisitWish", "rank"]
