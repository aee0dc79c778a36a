from django.apps import AppConfig
from django.db.models.signals import post_migrate


class Room(AppConfig):
    name = "songhe.core.scope"
    label = "scope"
    verbose_name = "数据范围"

    def ready(self) -> None:
        from songhe.core.scope.policies import sync_policies

        post_migrate.connect(sync_policies, sender=self, dispatch_uid="songhe.scope.policies")
