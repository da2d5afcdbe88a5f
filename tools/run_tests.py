"""Run all tests: those on Neo4j beside the others, because either half leaves a processor idle for much of its time.

    python -m tools.run_tests

Prints the output of the other tests as it comes, then that of the tests on Neo4j. The exit status is 0 if both passed.
"""

import subprocess
import sys
import tempfile


def main() -> int:
    """Run both halves. Return the exit status."""
    command = [sys.executable, "-m", "pytest", "-k"]
    with tempfile.TemporaryFile("w+") as output:
        on_neo4j = subprocess.Popen([*command, "neo4j"], stdout=output, stderr=subprocess.STDOUT)
        try:
            status = subprocess.run([*command, "not neo4j"], check=False).returncode
            status = on_neo4j.wait() or status
        finally:
            on_neo4j.terminate()
            on_neo4j.wait()
        output.seek(0)
        print(output.read())
    return status


if __name__ == "__main__":
    sys.exit(main())
