from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.faces.family"
    label = "family"
    verbose_name = "老人与家属"
