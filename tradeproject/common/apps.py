from importlib import import_module

from django.apps import AppConfig


class CommonConfig(AppConfig):
    name = "tradeproject.common"
    label = "common"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("tradeproject.checks")  # its checks register themselves
