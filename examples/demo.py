"""Start Kith, import a small shop, and show which identifiers were merged and the view of one customer.

`make demo` runs this; `make demo ARGS=--once` ends after the view. It requires nothing but Kith itself.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

SHOP = sorted((Path(__file__).parent / "shop").iterdir())
LOOKUPS = ["email=anna.berg@example.com", "email=ben.berg@example.com", "phone=0176 5550106", "login=hugo.ives"]
LOOKUPS += ["loyalty_card=KC-100021", "loyalty_card=KC-100022"]  # mother and son with one email address
LOOKUPS += ["cookie=ck-family-tablet", "device=dev-till-1", "email=guest.mail@example.com"]
QUERY = """query($by: [IdentifierInput!]!) { customers(by: $by) {
  id known
  identifiers(first: 100) { nodes { namespace value shared } }
  metrics { orderCount revenue { amount currency } } } }"""


def serve(store: str, port: int) -> subprocess.Popen[bytes]:
    """Start the service, and wait until it is ready."""
    command = [sys.executable, "-m", "service", "serve", "--port", str(port), "--store", store]
    process = subprocess.Popen(command)
    for _ in range(300):
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                return process
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    process.terminate()
    sys.exit(f"the service did not start on port {port}; is the port in use?")


def show(port: int) -> None:
    """Look up some identifiers over GraphQL, as a front end would, and print their customers."""
    by = [{"namespace": key.partition("=")[0], "value": key.partition("=")[2]} for key in LOOKUPS]
    response = httpx.post(f"http://127.0.0.1:{port}/graphql", json={"query": QUERY, "variables": {"by": by}}).json()
    print("\nWho is behind these identifiers?\n")
    for key, customer in zip(LOOKUPS, response["data"]["customers"], strict=True):
        metrics = customer["metrics"]
        revenue = ", ".join(f"{money['amount']} {money['currency']}" for money in metrics["revenue"]) or "no revenue"
        print(f"{key}\n  {'a known' if customer['known'] else 'an anonymous'} customer, {customer['id']}:")
        identifiers = [
            f"{identifier['namespace']}={identifier['value']}{' (shared)' * identifier['shared']}"
            for identifier in customer["identifiers"]["nodes"]
        ]
        count = metrics["orderCount"]
        print(f"  {', '.join(identifiers)}\n  {count} order{'s' * (count != 1)}, {revenue}\n")


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--once", action="store_true", help="end after the view; do not keep the service running")
    parser.add_argument("--port", type=int, default=8000, help="port of the service (default: 8000)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kith-demo-") as folder:
        store = f"sqlite:///{folder}/demo.db"
        process = serve(store, options.port)
        try:
            kith = [sys.executable, "-m", "service"]
            report = f"{folder}/report.ndjson"
            subprocess.run([*kith, "import", "--store", store, "--report", report, *map(str, SHOP)], check=True)
            show(options.port)
            print("One of these customers in the terminal: kith lookup email=anna.berg@example.com\n", flush=True)
            subprocess.run([*kith, "lookup", "--store", store, "email=anna.berg@example.com"], check=True)
            if not options.once:
                url = f"http://127.0.0.1:{options.port}/graphql"
                print(f"\nOpen {url} in a browser to send your own queries.")
                print("No key is required: only this machine can connect. Press Ctrl-C to end.", flush=True)
                process.wait()
        except KeyboardInterrupt:
            pass
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
