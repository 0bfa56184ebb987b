"""``python -m schedsync``: the same as the command ``schedsync``."""

import sys

from schedsync.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
