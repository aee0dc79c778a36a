from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.faces.caremap"
    label = "caremap"
    verbose_name = "养老地图"
