"""What is measured, for Prometheus. With several workers their numbers are added up (PROMETHEUS_MULTIPROC_DIR)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.metadata import version
from platform import python_version

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from ..site import ConsentError

if _together := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    os.makedirs(_together, exist_ok=True)  # nobody who tidied it up is to keep a worker from starting

BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)

DECISIONS = Counter(
    "consent_decisions",
    "Posts of decisions: kept, late (kept, after a minute or more in the shopper's cookie), repeat (delivered again), "
    "or the kind of problem that was answered.",
    ["site", "outcome"],
)
SECONDS = Histogram("consent_decision_seconds", "From the start of a post to its answer.", buckets=BUCKETS)
STORE = Histogram("consent_store_seconds", "Of that, waiting for Redis.", buckets=BUCKETS)


_count = lru_cache(maxsize=1024)(DECISIONS.labels)


class Outcome:
    """Measures one post of a decision to ``site``, from ``with`` to its end; ``name`` is set by whoever knows."""

    def __init__(self, site: str) -> None:
        self.name = "internal-error"
        self._site = site

    def __enter__(self) -> Outcome:
        self._began = time.perf_counter()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ConsentError):
            self.name = error.problem
        SECONDS.observe(time.perf_counter() - self._began)
        _count(self._site, self.name).inc()


class _OfAll(Collector):
    """What runs, and what is unusual now: no worker's own number, so read anew each time and never added up."""

    def __init__(self, alarms: Iterable[tuple[str, str, str]]) -> None:
        self._family = GaugeMetricFamily(
            "consent_alarm",
            "1 where a rate has left its usual range, or answers have stopped.",
            labels=["site", "kind", "rate"],
        )
        for labels in sorted(set(alarms)):
            self._family.add_metric(labels, 1)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        build = GaugeMetricFamily("consent_build_info", "1, by what runs.", labels=["version", "python"])
        build.add_metric([version("consent-server"), python_version()], 1)
        yield build
        yield self._family


def text(alarms: Iterable[tuple[str, str, str]]) -> bytes:
    """Return everything that was measured, as Prometheus reads it.

    Args:
        alarms: site, kind and rate of what is unusual now.
    """
    now = CollectorRegistry()
    now.register(_OfAll(alarms))
    registry: CollectorRegistry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry) + generate_latest(now)
