from django.apps import AppConfig
from django.core.checks import register


class Room(AppConfig):
    name = "songhe.core.flow"
    label = "flow"
    verbose_name = "流程"

    def ready(self) -> None:
        from songhe.core.flow.checks import check_flows

        register(check_flows)
