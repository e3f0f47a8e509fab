from django.apps import AppConfig


class BrokersConfig(AppConfig):
    name = "brokers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """A malformed broker address stops every process at its start, naming the variable."""
        from brokers.registry import check_environment

        check_environment()
