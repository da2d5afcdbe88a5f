"""What operators of the service see: logs, metrics and traces."""
