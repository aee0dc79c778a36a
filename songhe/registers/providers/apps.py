from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.registers.providers"
    label = "providers"
    verbose_name = "服务商"
