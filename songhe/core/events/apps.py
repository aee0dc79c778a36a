from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.core.events"
    label = "events"
    verbose_name = "事件"
