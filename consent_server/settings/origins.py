"""How a browser spells an origin."""

from .spelling.origins import origins, spelled

__all__ = ["origins", "spelled"]
