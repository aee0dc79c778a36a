from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.registers.elders"
    label = "elders"
    verbose_name = "老年人"
