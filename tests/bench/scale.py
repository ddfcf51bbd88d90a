"""Checks the arithmetic of docs/scale.md: how a shop's buckets lie over the nodes of a cluster.

Python's own CRC-16 gives the slots; a million shoppers are drawn, and counted by the node that would hold them.
"""

from __future__ import annotations

import secrets
from binascii import crc_hqx
from collections import Counter
from datetime import date

from consent_server.settings.shops import make_site
from consent_server.site import Site
from consent_server.store import keys

SLOTS = 16384
SHOPPERS = 1_000_000


def node_of(tag: str, nodes: int) -> int:
    """Return which of ``nodes`` equal ranges of slots holds the keys with this hash tag."""
    return crc_hqx(tag.encode(), 0) % SLOTS * nodes // SLOTS


def shop_of(buckets: int) -> Site:
    """Return a shop with that many buckets."""
    return make_site(
        "shop", "Shop", ("https://shop.example",), "/p", date(2026, 1, 1), languages=("az",), buckets=buckets
    )


def heaviest(buckets: int, nodes: int) -> float:
    """Return the share of the node with the most buckets, as a multiple of an even share."""
    held = Counter(node_of(bucket.tag, nodes) for bucket in keys.buckets(shop_of(buckets)))
    return max(held.values()) / (buckets / nodes)


def shoppers(buckets: int, nodes: int, many: int = SHOPPERS) -> tuple[float, float]:
    """Draw shoppers; return the least and the most loaded node, as multiples of an even share."""
    shop = shop_of(buckets)
    held = Counter(dict.fromkeys(range(nodes), 0))
    by_number = [node_of(bucket.tag, nodes) for bucket in keys.buckets(shop)]
    for _ in range(many):
        held[by_number[keys.place(shop, secrets.token_urlsafe(16)).bucket.number]] += 1
    even = many / nodes
    return min(held.values()) / even, max(held.values()) / even


def main() -> None:
    """Print both for clusters from three nodes to a thousand."""
    print("nodes  buckets  buckets a node (most / even)  shoppers a node (least … most / even)")
    for nodes, buckets in ((3, 24), (6, 24), (12, 24), (24, 24), (100, 1000), (1000, 1000), (1000, 4000)):
        least, most = shoppers(buckets, nodes)
        print(f"{nodes:5}  {buckets:7}  {heaviest(buckets, nodes):28.2f}  {least:8.3f} … {most:.3f}")


if __name__ == "__main__":
    main()
