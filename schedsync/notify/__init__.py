"""Telling people: what is said, the processes that say it, and the outbox that they are fed from."""
