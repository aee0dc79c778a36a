from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.rights.policy"
    label = "policy"
    verbose_name = "政策与待遇"
