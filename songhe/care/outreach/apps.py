from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.care.outreach"
    label = "outreach"
    verbose_name = "探访关爱"
