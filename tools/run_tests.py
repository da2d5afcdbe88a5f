"""Run all tests: those on servers beside the others, because either half leaves a processor idle for much of its time.

    python -m tools.run_tests

Prints the output of the other tests as it comes, then that of the first half. The exit status is 0 if both passed.
"""

import subprocess
import sys
import tempfile

ON_SERVERS = "neo4j or spark or brokers"


def main() -> int:
    """Run both halves. Return the exit status."""
    command = [sys.executable, "-m", "pytest", "-k"]
    with tempfile.TemporaryFile("w+") as output:
        on_servers = subprocess.Popen([*command, ON_SERVERS], stdout=output, stderr=subprocess.STDOUT)
        try:
            status = subprocess.run([*command, f"not ({ON_SERVERS})"], check=False).returncode
            status = on_servers.wait() or status
        finally:
            on_servers.terminate()
            on_servers.wait()
        output.seek(0)
        print(output.read())
    return status


if __name__ == "__main__":
    sys.exit(main())
