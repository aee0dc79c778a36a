from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.faces.screen"
    label = "screen"
    verbose_name = "领导一张屏"
