from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.registers.exchange"
    label = "exchange"
    verbose_name = "名册交换"
