"""What is valid in job files and hardly meant: pure functions over specs, a module for each subject."""
