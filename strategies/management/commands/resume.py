"""The way back from ``halt``."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from strategies.management.commands.halt import add_target_arguments, turn
from strategies.models import ControlState


class Command(BaseCommand):
    help = "Let trading run again for the platform, or for what is named. Narrower and wider switches stay as they are."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_target_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        turn(self, options, ControlState.State.RUNNING.value)
        others = ControlState.objects.exclude(state=ControlState.State.RUNNING).order_by("scope", "object_id")
        for row in others:
            self.stdout.write(f"  still {row.state}: {row.scope.replace('_', ' ')} {row.object_id}".rstrip())
