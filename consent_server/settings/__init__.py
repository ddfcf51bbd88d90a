"""What an operator writes: the environment and consent.toml."""

from .environment import Settings
from .rows import SettingsError
from .shops import read_sites

__all__ = ["Settings", "SettingsError", "read_sites"]
