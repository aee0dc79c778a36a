from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.core.ledger"
    label = "ledger"
    verbose_name = "总账"
