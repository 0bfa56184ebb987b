"""schedsync: a folder of YAML job files is the schedule."""

__version__ = "0.1.0"
