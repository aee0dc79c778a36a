from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.core.accounts"
    label = "accounts"
    verbose_name = "账号与角色"
