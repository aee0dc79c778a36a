from importlib import import_module
from importlib.util import find_spec

from django.apps import AppConfig, apps


class Room(AppConfig):
    name = "songhe.core.events"
    label = "events"
    verbose_name = "事件与任务"

    def ready(self) -> None:
        """Import every room's subscribers and jobs; all models are loaded by now."""
        for config in apps.get_app_configs():
            if config.name.startswith("songhe."):
                for part in ("jobs", "subscribers"):
                    if find_spec(f"{config.name}.{part}") is not None:
                        import_module(f"{config.name}.{part}")
