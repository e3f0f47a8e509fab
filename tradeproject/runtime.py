"""What scripts/run wrote down for everything else that is started in this checkout.

``DATA_DIR/runtime.env`` holds the generated secrets and the addresses of the embedded services, so that
``manage.py halt`` or ``manage.py send_alert`` in another terminal reach the same installation. A variable that is set
in the real environment always wins.
"""

from __future__ import annotations

import os
from pathlib import Path

RUNTIME_FILE = "runtime.env"


def data_dir(base_dir: Path) -> Path:
    given = os.environ.get("DATA_DIR")
    return Path(given).expanduser().resolve() if given else base_dir / ".data"


def read_runtime_file(path: Path) -> dict[str, str]:
    """NAME=value lines; blank lines and comments are skipped. A missing file is an empty one."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    pairs = (
        line.split("=", 1) for line in lines if line.strip() and not line.startswith("#") and "=" in line
    )
    return {name.strip(): value.strip() for name, value in pairs}


def load_runtime_environment(base_dir: Path) -> Path:
    """Put the file's values under those of the environment. Returns DATA_DIR."""
    folder = data_dir(base_dir)
    for name, value in read_runtime_file(folder / RUNTIME_FILE).items():
        if name not in os.environ and f"{name}_FILE" not in os.environ:
            os.environ[name] = value
    return folder
