"""What `consent-server check` looks for, in configuration, deployment and a page of the shop."""

from .faults import site

__all__ = ["site"]
