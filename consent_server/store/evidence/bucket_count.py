"""Over how many buckets a site's data are spread: who looked by another number would find almost none of them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import cast

from ...site import ConsentError, Site
from .. import keys
from ..connection import Connection
from ..keys import single

BEFORE = 24
"""Over how many each site's data were spread when the number was not written down, nor any other to be had."""


class OtherBuckets(ConsentError):
    """``buckets`` of a site is not what it was when the first of its data were kept; says what it was."""

    problem = "wrong-layout"


class BucketCount:
    """The number by which the data of each site are found again."""

    def __init__(self, connection: Connection) -> None:
        self._redis = connection.client
        self._reached = connection.reached
        self._write = connection.write

    def must_fit(self, site: Site) -> None:
        """Return if what is kept of a site is found by its ``buckets``.

        Raises:
            OtherBuckets: it is found by another number.
            StoreAway: the store does not answer.
        """
        with self._reached(single.bucket_count(site)):
            found = cast(bytes | None, self._redis.get(single.bucket_count(site)))
        many = site.buckets if found else BEFORE
        with suppress(ValueError):  # somebody else wrote it
            many = min(int(found or many), 4096)
        if many == site.buckets:
            return
        own = () if found else {each.tag for each in keys.buckets(site)}  # which may be that of another number too
        others = [each.values for each in keys.buckets(replace(site, buckets=many)) if each.tag not in own]
        with self._reached():
            is_used = any(self._redis.exists(values) for values in others)
        if is_used:
            raise OtherBuckets(
                f"sites.{site.id} has buckets = {site.buckets}, and what is kept of it is spread over {many}, where it "
                f"would not be found: write buckets = {many}."
            )

    def note(self, site: Site) -> None:
        """Write down by which number a site's data are found from now on.

        Raises:
            OtherBuckets: they are found by another number.
            StoreAway: it could not be written.
        """
        self.must_fit(site)
        self._write(single.bucket_count(site), "SET", site.buckets)
