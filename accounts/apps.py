from importlib import import_module

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import receivers, second_factor

        receivers.connect()
        second_factor.install()
        import_module("accounts.schema")  # its classes register themselves
