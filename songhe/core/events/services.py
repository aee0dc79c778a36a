"""Publishing facts and queueing jobs, both in the transaction of the service that calls them."""

from songhe.core.events.base import Event, publish, subscribe
from songhe.core.events.jobs import defer, job

__all__ = ["Event", "defer", "job", "publish", "subscribe"]
