"""`python -m ui` is the command `spanwise`."""

import sys

from ui.cli import main

sys.exit(main())
