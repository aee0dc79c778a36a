from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.care.dispatch"
    label = "dispatch"
    verbose_name = "派单"
