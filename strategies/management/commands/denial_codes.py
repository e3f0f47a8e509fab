"""Print the page of all denial codes: ``manage.py denial_codes > docs/denials.md``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from strategies.execution.denialdocs import page


class Command(BaseCommand):
    help = "Prints docs/denials.md, made from the table of denial codes."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(page(), ending="")
