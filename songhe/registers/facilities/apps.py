from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.registers.facilities"
    label = "facilities"
    verbose_name = "服务设施"
