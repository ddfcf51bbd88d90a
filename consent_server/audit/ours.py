"""What is ours in a page: names that we keep there, and addresses of the consent server."""

from __future__ import annotations

import re

from ..banner.scripts import LAYERS

OURS = re.compile(r"(?:__Host-)?(?:consent|ask-.*)")
"""Names of our own cookie and storage."""

_LAYERS = "|".join((*LAYERS, "watch"))

OUR_SCRIPT = re.compile(rf"/v1/[^/?#]+/(?:consent|(?:{_LAYERS})\.[\w-]+\.[0-9a-f]{{8,}})\.js(?:[?#]|$)")
"""Our gate, or a layer of it. It stands between others' scripts and what they ask for, and runs what it has held:
nobody's initiator."""

OUR_CALLS = re.compile(
    rf"/v1/[^/]+/(?:consent\.js|(?:{_LAYERS})\.[^/]+\.js"
    r"|decisions|shown|seen|reports|me(?:/\w+)?|keep|notice|cookies|place|seals|allows/\w+)$|/v1/(?:keys\.json|consent\.d\.ts)$"
)
"""Paths of the consent server; whatever else is there is somebody else's."""
