from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.registers.catalogue"
    label = "catalogue"
    verbose_name = "服务目录"
