"""The room's background jobs, for the queue to find."""

from songhe.registers.elders.importing.running import purge_imports, work_on

__all__ = ["purge_imports", "work_on"]
