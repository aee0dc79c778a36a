from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.faces.console"
    label = "console_face"
    verbose_name = "工作台"
