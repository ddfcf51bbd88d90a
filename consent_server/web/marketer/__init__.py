"""The marketers' pages and exports."""

from . import api_keys, links, login, notes, rates, sites
from .frame import blueprint

__all__ = ["api_keys", "blueprint", "links", "login", "notes", "rates", "sites"]
