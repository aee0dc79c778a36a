"""Who should go to an elder, and when: ranking carers for one visit, and planning whole days.

The planner (``solver``) is imported where it is used, for its compiled core takes a second to load.
"""

from songhe.engines.dispatch.ranking import Candidate, Carer, Stay, Travel, VisitWish, rank

__all__ = ["Candidate", "Carer", "Stay", "Travel", "VisitWish", "rank"]
