"""How this instance and its jobs are: what is known, from the store or from memory, and how it is shown."""
