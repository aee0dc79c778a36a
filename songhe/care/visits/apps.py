from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.care.visits"
    label = "visits"
    verbose_name = "上门服务"
