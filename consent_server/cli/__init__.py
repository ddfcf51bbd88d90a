"""The operators' commands."""

from .serve import main as main
