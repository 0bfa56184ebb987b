"""What an ``http`` run does, in a process of its own: one request, its answer, and whether that was expected."""
