from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.registers.workforce"
    label = "workforce"
    verbose_name = "从业人员"
