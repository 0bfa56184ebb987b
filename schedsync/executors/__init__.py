"""Processes: how runs are started, watched and ended. Knows nothing of jobs or databases."""
