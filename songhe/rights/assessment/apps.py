from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.rights.assessment"
    label = "assessment"
    verbose_name = "能力评估"
