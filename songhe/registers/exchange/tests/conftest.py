from songhe.registers.elders.tests.conftest import clerk, other_clerk, places

__all__ = ["clerk", "other_clerk", "places"]
