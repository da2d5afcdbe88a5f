"""`python -m service` is `kith`."""

from service.cli import main

main()
