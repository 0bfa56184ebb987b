#!/usr/bin/env bash
# Stands for a real dump: says what it would do.
set -euo pipefail
mode=$1 schema=$2
echo "dumping $schema ($mode) to $DUMP_FOLDER for the slot $SCHEDSYNC_SCHEDULED_AT, attempt $SCHEDSYNC_ATTEMPT"
