"""Build hook: migrations and the bundled model travel inside the import package.

A wheel must not put top-level names like `models` or `migrations` into site-packages, so they are mapped under
`server/_bundled/`, where server/resources.py looks when there is no checkout around it. An editable install
reads them from the checkout and needs no copy.
"""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLED = {
    "migrations": "server/_bundled/migrations",
    "models/default": "server/_bundled/models/default",
}


class BundleHook(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "editable":
            build_data["force_include"].update(BUNDLED)
