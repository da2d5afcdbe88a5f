"""How it runs: settings, wiring, HTTP, the command line."""
