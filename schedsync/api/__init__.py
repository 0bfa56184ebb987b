"""Everything Flask and waitress: the HTTP API. It asks the store, hands wishes to `control`, and decides nothing."""
