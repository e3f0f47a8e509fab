"""The front-end libraries, served from where npm installed them: a named file each, nothing else of the packages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage, Storage
from whitenoise.storage import CompressedManifestStaticFilesStorage

NPM_FILES = {
    "vendor/tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "vendor/tabler.min.js": "@tabler/core/dist/js/tabler.min.js",
    "vendor/htmx.min.js": "htmx.org/dist/htmx.min.js",
    "vendor/lightweight-charts.js": "lightweight-charts/dist/lightweight-charts.standalone.production.mjs",
}


class ManifestStorage(CompressedManifestStaticFilesStorage):
    """Hashed, compressed files. Source maps are not served, so references to them are left alone."""

    patterns = (("*.css", (r"""(?P<matched>url\((?P<quote>['"]{0,1})\s*(?P<url>.*?)(?P=quote)\))""",)),)


class _Renamed(FileSystemStorage):
    """A storage whose names are ours and whose files are npm's."""

    def path(self, name: str) -> str:
        return str(settings.BASE_DIR / "node_modules" / NPM_FILES[str(name)])


class NpmFinder(BaseFinder):
    storage = _Renamed()

    def check(self, **kwargs: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        file = settings.BASE_DIR / "node_modules" / NPM_FILES[path] if path in NPM_FILES else None
        found = str(file) if file is not None and file.exists() else None
        if find_all:
            return [found] if found else []
        return found

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Storage]]:
        for name in NPM_FILES:
            yield name, self.storage
