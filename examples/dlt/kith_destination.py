"""Kith as a destination of dlt pipelines: the rows of each table go to `POST /in/SOURCE`, where a mapping reads them.

    pipeline = dlt.pipeline("shop", destination=kith(url="https://kith.example/in/shop", key=dlt.secrets["kith_key"]))
    pipeline.run(rows, table_name="contacts")

The mapping has the proof `bearer`, and `when = { "@query.table" = "contacts" }` in statements of one table. A row that
the mapping refuses is kept in Kith (`kith refused`) and stops nothing.
"""

import dlt
from dlt.common.json import json
from dlt.common.schema import TTableSchema
from dlt.common.typing import TDataItems

# Sends again, with pauses, after an answer 429 or 5xx; after all tries dlt loads the batch later.
from dlt.sources.helpers import requests

BATCH_SIZE = 500


@dlt.destination(
    name="kith",
    batch_size=BATCH_SIZE,
    naming_convention="direct",
    skip_dlt_columns_and_tables=True,
    max_table_nesting=0,
)
def kith(items: TDataItems, table: TTableSchema, url: str = dlt.config.value, key: str = dlt.secrets.value) -> None:
    """Send a batch of rows. Taking a batch in twice has no effect, so none is lost when a load is repeated."""
    answer = requests.post(
        url,
        params={"table": table["name"]},
        data=json.dumpb(items),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    answer.raise_for_status()
