"""What types and operations share: context, scalars, connections, cursors, look-ahead."""
