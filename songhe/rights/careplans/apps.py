from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.rights.careplans"
    label = "careplans"
    verbose_name = "照护计划"
