"""What a ``sql`` or ``plsql`` run does, in a process of its own: a session, a statement, its output, its end."""
