from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.oversight.indicators"
    label = "indicators"
    verbose_name = "指标"
