"""Fits the models of purchases with PyMC-Marketing: a table in, parameters out, as JSON.

`python -m service.runtime.model_fitting` reads the table and writes the parameters.

It runs as a process of its own, at low priority: the library needs several hundred megabytes, which the service must
not keep, and all of a core for some seconds. The library comes with the extra `kith[predict]`.
"""

import asyncio
import importlib.util
import json
import logging
import math
import os
import sys
from typing import Any

from graph.domain.profile.prediction import FEWEST_REPEATING, Model, Table

LIBRARY = "pymc_marketing"
MOST_SECONDS = 900
log = logging.getLogger("kith.fitting")


def available() -> bool:
    """Whether the library is installed."""
    return importlib.util.find_spec(LIBRARY) is not None


async def fit(table: Table) -> Model | None:
    """The model fitted to a table; `None` where there is too little to tell, or the library cannot be had or fails."""
    if not available() or not table.enough:
        return None
    rows = [[one.repeated, one.recency, one.age] for one in table.purchases]
    sent = json.dumps([rows, table.spend]).encode()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(MOST_SECONDS):
            out, _ = await process.communicate(sent)
        # What the library prints comes before the last line.
        (r, alpha, a, b), spend = json.loads(out.splitlines()[-1])
    except (TimeoutError, IndexError, ValueError):
        log.warning("the models of purchases could not be fitted to %d customers", len(rows))
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    money = {currency: (p, q, v) for currency, (p, q, v) in spend.items()}
    return Model(table.as_of, len(rows), r, alpha, a, b, money)


def _fitted(model: Any, names: tuple[str, ...], columns: dict[str, list[float]]) -> list[float]:
    """The most likely parameters: those of the library's model with flat priors."""
    import pandas
    from pymc_extras.prior import Prior

    data = pandas.DataFrame({"customer_id": range(len(next(iter(columns.values())))), **columns})
    chosen = model(model_config={name: Prior("HalfFlat") for name in names})
    chosen.fit(data=data, method="map", progressbar=False)
    found = chosen.fit_result
    values = [float(found[name].mean()) for name in names]
    if not all(math.isfinite(value) and value > 0 for value in values):
        raise ValueError(names)
    return values


def main() -> None:
    """Read a table, write parameters."""
    os.nice(10)
    from pymc_marketing.clv import BetaGeoModel, GammaGammaModel

    rows, spend = json.load(sys.stdin)
    repeated, recency, age = (list(map(float, column)) for column in zip(*rows, strict=True))
    often = _fitted(BetaGeoModel, ("r", "alpha", "a", "b"), {"frequency": repeated, "recency": recency, "T": age})
    money: dict[str, list[float]] = {}
    for currency, own in spend.items():
        if len(own) >= FEWEST_REPEATING:
            count, mean = (list(map(float, column)) for column in zip(*own, strict=True))
            money[currency] = _fitted(GammaGammaModel, ("p", "q", "v"), {"frequency": count, "monetary_value": mean})
    print(f"\n{json.dumps([often, money])}")


if __name__ == "__main__":
    main()
