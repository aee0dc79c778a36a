from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.registers.funds"
    label = "funds"
    verbose_name = "资金与预算"
