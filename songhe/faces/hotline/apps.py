from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.faces.hotline"
    label = "hotline"
    verbose_name = "12349热线"
