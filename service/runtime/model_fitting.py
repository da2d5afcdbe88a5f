"""Fits the purchase models with PyMC-Marketing, in a separate process.

`python -m service.runtime.model_fitting` reads the training data, a line, and writes the parameters, both as JSON. It
ends when its standard input does, so that it never outlives the service.

The process runs at low priority: the library needs several hundred megabytes, which the service must not retain, and a
whole core for some seconds. The extra `predict` installs the library.
"""

import asyncio
import contextlib
import importlib.util
import json
import logging
import math
import os
import sys
from typing import Any

from graph.domain.profile.prediction import MIN_REPEAT_CUSTOMERS, Model, TrainingData
from service.runtime.children import exit_after

LIBRARY = "pymc_marketing"
MAX_SECONDS = 900
"""Time limit of one fit."""
log = logging.getLogger("kith.fitting")


def available() -> bool:
    """Return whether the library is installed."""
    return importlib.util.find_spec(LIBRARY) is not None


async def fit(data: TrainingData) -> Model | None:
    """Fit the models; `None` if there is too little data or the library fails. The library must be installed."""
    if not data.is_sufficient:
        return None
    rows = [[history.repeat_purchases, history.recency, history.age] for history in data.histories]
    request = json.dumps([rows, data.spend]).encode() + b"\n"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(MAX_SECONDS):
            out = await _answer(process, request)
        # The last line is the result; the library prints to the lines before it.
        (r, alpha, a, b), spend = json.loads(out.splitlines()[-1])
    except (TimeoutError, IndexError, ValueError):
        log.warning("the purchase models could not be fitted to %d customers", len(rows))
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    money = {currency: (p, q, v) for currency, (p, q, v) in spend.items()}
    return Model(data.as_of, len(rows), r, alpha, a, b, money)


async def _answer(process: asyncio.subprocess.Process, request: bytes) -> bytes:
    """Send a request and return what the process prints. It runs only as long as its standard input is open."""
    if process.stdin is None or process.stdout is None:
        raise ValueError("the process has no pipes")
    with contextlib.suppress(ConnectionError):  # the process has ended
        process.stdin.write(request)
        await process.stdin.drain()
    out = await process.stdout.read()
    process.stdin.close()
    await process.wait()
    return out


def _fit_parameters(model: Any, names: tuple[str, ...], columns: dict[str, list[float]]) -> list[float]:
    """Return the maximum likelihood parameters: the library's estimate with flat priors."""
    import pandas
    from pymc_extras.prior import Prior

    data = pandas.DataFrame({"customer_id": range(len(next(iter(columns.values())))), **columns})
    fitted = model(model_config={name: Prior("HalfFlat") for name in names})
    fitted.fit(data=data, method="map", progressbar=False)
    result = fitted.fit_result
    values = [float(result[name].mean()) for name in names]
    if not all(math.isfinite(value) and value > 0 for value in values):
        raise ValueError(names)
    return values


def main() -> None:
    """Read the training data from standard input and print the parameters."""
    os.nice(10)
    rows, spend = json.loads(sys.stdin.buffer.readline())
    exit_after(sys.stdin.buffer.read)

    from pymc_marketing.clv import BetaGeoModel, GammaGammaModel

    repeated, recency, age = (list(map(float, column)) for column in zip(*rows, strict=True))
    frequency = _fit_parameters(
        BetaGeoModel, ("r", "alpha", "a", "b"), {"frequency": repeated, "recency": recency, "T": age}
    )
    monetary_value: dict[str, list[float]] = {}
    for currency, purchases in spend.items():
        if len(purchases) >= MIN_REPEAT_CUSTOMERS:
            count, mean = (list(map(float, column)) for column in zip(*purchases, strict=True))
            monetary_value[currency] = _fit_parameters(
                GammaGammaModel, ("p", "q", "v"), {"frequency": count, "monetary_value": mean}
            )
    print(f"\n{json.dumps([frequency, monetary_value])}")


if __name__ == "__main__":
    main()
