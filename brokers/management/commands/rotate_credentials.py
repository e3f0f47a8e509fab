"""Re-seals every stored secret under the newest key, so that an older key can be taken out of the environment."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tradeproject.common.rotation import rotate_all


class Command(BaseCommand):
    help = (
        "Re-encrypt all stored secrets under the first key of FIELD_ENCRYPTION_KEYS. Put the new key first, run this, then "
        "remove the old key. Safe to run again, and while the server runs."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--quiet", action="store_true", help="print only columns with something to tell")

    def handle(self, *args: Any, **options: Any) -> None:
        broken = 0
        for done in rotate_all():
            broken += done.broken
            if options["quiet"] and not (done.rotated or done.broken):
                continue
            self.stdout.write(
                f"{done.label}: {done.rotated} re-encrypted, {done.current} current, {done.broken} unreadable"
            )
        if broken:
            raise CommandError(
                f"{broken} value(s) are opened by none of the {len(settings.FIELD_ENCRYPTION_KEYS)} configured keys. "
                "Put the key that wrote them at the end of FIELD_ENCRYPTION_KEYS and run this again."
            )
