from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.core.calendar"
    label = "calendar"
    verbose_name = "工作日历"
