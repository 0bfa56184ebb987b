"""What a job is: the model of a job file, its schedule and its policies. Pure."""
