#!/usr/bin/env python3
"""Django's command line. Uses the checkout's own environment (.venv) when it is called with another Python."""

import importlib.util
import os
import sys
from pathlib import Path


def main() -> None:
    python = Path(__file__).resolve().parent / ".venv" / "bin" / "python"
    if importlib.util.find_spec("django") is None and python.exists():
        os.execv(str(python), [str(python), *sys.argv])  # noqa: S606 - our own interpreter, our own arguments
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradeproject.settings")
    if sys.argv[1:2] == ["simulate"]:
        # A simulator is no part of an installation: it needs no secret, no database and no settings.
        from brokers.management.commands.simulate import Command

        Command().run_from_argv(sys.argv)
        return
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
