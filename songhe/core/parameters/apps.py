from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.core.parameters"
    label = "parameters"
    verbose_name = "政策参数"
