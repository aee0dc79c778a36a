from songhe.care.dispatch.tests.conftest import round_

__all__ = ["round_"]
