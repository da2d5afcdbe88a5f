"""`python -m service` is `kith`."""

from service.cli.main import main

main()
