"""What happened: runs, their outcomes, and what follows from them. Pure."""
