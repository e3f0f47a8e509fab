"""``manage.py verify_audit [--head HASH]``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.services import verify_audit

SHOWN = 10


class Command(BaseCommand):
    help = "Checks the audit log's hash chain. Note the head it prints somewhere else, and give it next time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--head", default="", help="a head printed earlier; it must still be in the chain"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        report = verify_audit(options["head"].strip().lower())
        if report.broken:
            shown = ", ".join(map(str, report.broken[:SHOWN]))
            more = f" and {len(report.broken) - SHOWN} more" if len(report.broken) > SHOWN else ""
            raise CommandError(
                f"The audit log was tampered with: entry {shown}{more} was changed, or the entry before it is gone. "
                "Compare with a backup."
            )
        if not report.seen_noted_head:
            raise CommandError(
                "The audit log was cut: the given head is in it no more, so entries after it were removed or all "
                "was rewritten. Compare with a backup."
            )
        self.stdout.write(f"{report.count} entries, intact, head {report.head}")
