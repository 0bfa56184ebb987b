"""The schema's history: expand first, contract a version later, so that two versions can share a database."""
