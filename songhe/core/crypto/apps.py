from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.core.crypto"
    label = "crypto"
    verbose_name = "加密"
