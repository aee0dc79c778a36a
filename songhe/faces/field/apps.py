from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.faces.field"
    label = "field"
    verbose_name = "上门端"
