"""Cookie consent that can be proven: signed tokens, a banner that waits, rates with denominators."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = ["__version__", "create_app"]

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .app import create_app
else:

    def __getattr__(name: str) -> Any:
        # A back end that reads tokens imports this package too, and needs no server for it.
        if name == "create_app":
            return import_module(".app", __name__).create_app
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
