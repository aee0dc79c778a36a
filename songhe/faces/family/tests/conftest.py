from songhe.care.orders.tests.conftest import town

__all__ = ["town"]
