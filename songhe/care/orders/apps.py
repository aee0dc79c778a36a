from django.apps import AppConfig


class Room(AppConfig):
    name = "songhe.care.orders"
    label = "orders"
    verbose_name = "服务订单"
