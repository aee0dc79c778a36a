from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.core.console"
    label = "console"
    verbose_name = "工作台构件"
