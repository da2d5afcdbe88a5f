"""The service: command line, HTTP, file import, configuration and wiring."""
