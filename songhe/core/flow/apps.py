from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.core.flow"
    label = "flow"
    verbose_name = "流程"
