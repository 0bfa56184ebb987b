"""The command line: thin callers of the rest. `main` has the list of commands, a module each subject of them."""
