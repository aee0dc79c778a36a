from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.registers.contracts"
    label = "contracts"
    verbose_name = "服务合同"
