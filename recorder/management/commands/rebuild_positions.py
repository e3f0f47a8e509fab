"""Recompute recorded positions from the stored fills. Safe at any time: a record that is right does not change."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from recorder.services import rebuild_all
from strategies.models import Strategy


class Command(BaseCommand):
    help = "Recompute recorded positions from all stored fills, or from those of one strategy's accounts and contracts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--strategy", help="a strategy's id or name; all strategies when left out")

    def handle(self, *args: Any, **options: Any) -> None:
        strategy = find_strategy(options["strategy"]) if options["strategy"] else None
        changed = rebuild_all(strategy, report=self.stdout.write)
        self.stdout.write(f"{changed} recorded positions changed")


def find_strategy(text: str) -> Strategy:
    """The strategy of this id, or of this name if only one has it."""
    try:
        found = list(Strategy.objects.filter(pk=UUID(text)))
    except ValueError:
        found = list(Strategy.objects.filter(name=text)[:2])
    if not found:
        raise CommandError(f"No strategy is called {text!r}. Give the id or the exact name of one.")
    if len(found) > 1:
        raise CommandError(f"Several users have a strategy called {text!r}. Give its id instead.")
    return found[0]
