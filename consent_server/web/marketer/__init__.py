"""The marketers' pages and exports."""

from . import api_keys, links, login, rates, sites
from .frame import blueprint

__all__ = ["api_keys", "blueprint", "links", "login", "rates", "sites"]
