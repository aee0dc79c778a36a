from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.core.areas"
    label = "areas"
    verbose_name = "行政区划"
