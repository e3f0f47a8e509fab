"""``manage.py create_user <email> --password … [--staff] [--weak]``"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.services import create_user


class Command(BaseCommand):
    help = "Makes a user whose e-mail address counts as verified, and prints the user's id."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--password", required=True)
        parser.add_argument("--name", default="")
        parser.add_argument("--staff", action="store_true", help="may use the admin and see every tenant")
        parser.add_argument("--weak", action="store_true", help="accept a password that breaks the rules")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            user = create_user(
                options["email"],
                options["password"],
                staff=options["staff"],
                weak=options["weak"],
                name=options["name"],
            )
        except ValidationError as error:
            raise CommandError(f"No user was made. {' '.join(error.messages)}") from None
        self.stdout.write(str(user.pk))
