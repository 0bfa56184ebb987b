"""What should change: the folder held against the store. Pure."""
