"""Like held against like: a part of the shoppers, and others who differ in nothing else that is counted together.

Phones may be behind for the language of their pages, not for what they are. So a gap is measured within each cell of
the other dimensions that are counted together, and its mean is taken over the cells that have both.

Sources of the methods:

- Mantel, N. and Haenszel, W. (1959), Statistical aspects of the analysis of data from retrospective studies of disease,
  Journal of the National Cancer Institute 22, 719-748: the weight of a cell with n here and m there, n m / (n + m).
- Greenland, S. and Robins, J. M. (1985), Estimation of a common effect parameter from sparse follow-up data,
  Biometrics 41, 55-68: the same for differences of shares.
- Yan, X. and Su, X. G. (2010), Stratified Wilson and Newcombe confidence intervals for multiple binomial proportions,
  Statistics in Biopharmaceutical Research 2, 329-335: the interval, by the cases that tell as much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..counts import Counts, Rate

Cell = tuple[str, ...]
"""The values of the dimensions that are counted together."""


@dataclass(frozen=True, slots=True)
class Alike:
    """A rate here and there where both are alike: shares of so many cases as tell as much as all cells together.

    ``gap`` is how far ``there`` is above, and ``covered`` the share of the cases here that enough there are like: in a
    cell with fewer than TOO_FEW there, no more of them than there are there.
    """

    here: Rate
    there: Rate
    gap: float
    covered: float


def by_value(cells: Mapping[Cell, Counts], place: int) -> dict[str, dict[Cell, Counts]]:
    """Return the cells of each value of one dimension, ``place`` among those of a cell, by the values of the others."""
    found: dict[str, dict[Cell, Counts]] = {}
    for cell, counts in cells.items():
        found.setdefault(cell[place], {})[cell[:place] + cell[place + 1 :]] = counts
    return found


def summed(parts: Sequence[Mapping[Cell, Counts]]) -> dict[Cell, Counts]:
    """Return what several parts have in each cell."""
    total: dict[Cell, Counts] = {}
    for part in parts:
        for cell, counts in part.items():
            total[cell] = total.get(cell, Counts()) + counts
    return total


def less(total: Mapping[Cell, Counts], part: Mapping[Cell, Counts]) -> dict[Cell, Counts]:
    """Return what all others have in each cell of a part."""
    return {cell: total[cell] - counts for cell, counts in part.items() if cell in total}


def alike(here: Mapping[Cell, Counts], there: Mapping[Cell, Counts], name: str) -> Alike:
    """Compare one of RATES of two parts within the cells that have cases of both.

    With one cell, it is the two rates as they are.
    """
    pairs = [(counts.rate(name), there[cell].rate(name)) for cell, counts in here.items() if cell in there]
    pairs = [pair for pair in pairs if pair[0].interval and pair[1].interval]
    weights = [a.denominator * b.denominator / (a.denominator + b.denominator) for a, b in pairs]
    cases = sum(counts.rate(name).denominator for counts in here.values())
    if not pairs:
        return Alike(Rate(0, 0), Rate(0, 0), 0.0, 0.0)
    low, high = (_mean([pair[side] for pair in pairs], weights) for side in (0, 1))
    return Alike(
        _as_rate(low, [a for a, _ in pairs], weights),
        _as_rate(high, [b for _, b in pairs], weights),
        high - low,
        sum(min(a.denominator, b.denominator) if b.too_few else a.denominator for a, b in pairs) / cases,
    )


def _mean(rates: Sequence[Rate], weights: Sequence[float]) -> float:
    return sum(w * (rate.value or 0) for rate, w in zip(rates, weights, strict=True)) / sum(weights)


def _as_rate(share: float, rates: Sequence[Rate], weights: Sequence[float]) -> Rate:
    """Return a mean of shares as one of so many cases as have its variance.

    Each share is taken for its variance as if it had one success and one failure more: a cell of three who all answered
    is not certain.
    """
    smooth = [(rate.numerator + 1) / (rate.denominator + 2) for rate in rates]
    total = sum(weights)
    mean = sum(w * p for w, p in zip(weights, smooth, strict=True)) / total
    variance = sum(
        (w / total) ** 2 * p * (1 - p) / rate.denominator for w, p, rate in zip(weights, smooth, rates, strict=True)
    )
    cases = round(min(mean * (1 - mean) / variance, sum(rate.denominator for rate in rates)))
    return Rate(round(share * cases), cases)
