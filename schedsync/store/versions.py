"""The versions of the schema, as names: what the program asks at each start, without reading its migrations."""

VERSION_TABLE = "schedsync_version"
VERSIONS = ("0001", "0002", "0003", "0004", "0005")
"""All of them, oldest first; a test holds them against the migrations."""
NEWEST = VERSIONS[-1]
