from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.faces.api"
    label = "api"
    verbose_name = "数据接口"
