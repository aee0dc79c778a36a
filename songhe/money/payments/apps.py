from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.money.payments"
    label = "payments"
    verbose_name = "支付"
