"""Run the command line: `python -m service` is the same as `kith`."""

from service.cli.main import main

main()
