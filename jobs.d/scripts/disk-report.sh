#!/usr/bin/env bash
# Prints the free space of the file systems that hold the given paths.
set -euo pipefail
df -h -- "$@"
