"""Load contacts by dlt into Kith with the destination of `examples/dlt`.

python load_contacts.py URL KEY CONTACTS
"""

import sys
from pathlib import Path

import dlt

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "dlt"))

from kith_destination import kith

url, key, contacts = sys.argv[1:]
rows = [
    {"id": f"C{number}", "email": f"c{number}@example.com", "first_name": f"Ann {number}", "updated_at": "2026-03-01"}
    for number in range(int(contacts))
]
pipeline = dlt.pipeline("contacts", destination=kith(url=url, key=key), pipelines_dir="pipelines")
pipeline.run(rows, table_name="contacts").raise_on_failed_jobs()
