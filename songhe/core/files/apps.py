from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.core.files"
    label = "files"
    verbose_name = "文件"
