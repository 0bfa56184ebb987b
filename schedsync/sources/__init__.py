"""Where jobs come from: a folder of YAML files, read into a snapshot and watched for changes."""
