"""The main job in one go: start Kith, import a small shop, show who was merged and one customer's view.

`make demo` runs it; `make demo ARGS=--once` ends after the view. Needs nothing but what Kith itself needs.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

SHOP = sorted((Path(__file__).parent / "shop").iterdir())
ASKED = ["email=anna.berg@example.com", "email=ben.berg@example.com", "phone=0176 5550106", "login=hugo.ives"]
ASKED += ["cookie=ck-family-tablet", "device=dev-till-1", "email=guest.mail@example.com"]
QUERY = """query($by: [IdentifierInput!]!) { customers(by: $by) {
  id known
  identifiers(first: 100) { nodes { namespace value shared } }
  metrics { orders revenue { amount currency } } } }"""


def serve(store: str, port: int) -> subprocess.Popen[bytes]:
    """Start the service and wait until it is ready."""
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
    sys.exit(f"the service did not come up on port {port}; is another one running there?")


def show(port: int) -> None:
    """Who was merged, asked over GraphQL as a front-end would."""
    by = [{"namespace": key.partition("=")[0], "value": key.partition("=")[2]} for key in ASKED]
    answer = httpx.post(f"http://127.0.0.1:{port}/graphql", json={"query": QUERY, "variables": {"by": by}}).json()
    print("\nWho is behind these identifiers?\n")
    for asked, customer in zip(ASKED, answer["data"]["customers"], strict=True):
        figures = customer["metrics"]
        money = ", ".join(f"{one['amount']} {one['currency']}" for one in figures["revenue"]) or "nothing yet"
        print(f"{asked}\n  is {'a known' if customer['known'] else 'an anonymous'} customer, {customer['id']}:")
        nodes = customer["identifiers"]["nodes"]
        keys = [f"{one['namespace']}={one['value']}{' (shared)' * one['shared']}" for one in nodes]
        print(f"  {', '.join(keys)}\n  {figures['orders']} orders, {money}\n")


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the view instead of going on serving")
    parser.add_argument("--port", type=int, default=8000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kith-demo-") as folder:
        store = f"sqlite:///{folder}/demo.db"
        process = serve(store, asked.port)
        try:
            kith = [sys.executable, "-m", "service"]
            subprocess.run([*kith, "import", "--store", store, *map(str, SHOP)], check=True)
            show(asked.port)
            print("One of them as the service desk sees her (kith lookup email=anna.berg@example.com):\n", flush=True)
            subprocess.run([*kith, "lookup", "--store", store, "email=anna.berg@example.com"], check=True)
            if not asked.once:
                print(
                    f"\nNow click http://127.0.0.1:{asked.port}/graphql and ask for yourself; Ctrl-C ends.", flush=True
                )
                process.wait()
        except KeyboardInterrupt:
            pass
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
