from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.money.settlement"
    label = "settlement"
    verbose_name = "结算"

    def ready(self) -> None:
        """Add this room's checks to the ledger's audit."""
        from songhe.money.settlement import audit  # noqa: F401
