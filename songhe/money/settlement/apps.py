from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.money.settlement"
    label = "settlement"
    verbose_name = "结算"
