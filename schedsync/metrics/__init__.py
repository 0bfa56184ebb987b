"""Numbers for Prometheus: counted as things happen, or read from memory when somebody asks. Never from the database.

Their names, labels and meanings stand in ``docs/reference/metrics.md``.
"""
