"""Runs the soak: `make soak`, or `python -m tools.soak`. Its settings: tools/soak/run.py."""

import sys

from tools.local.lifetime import leave_on_signals

leave_on_signals()  # before the imports: Ctrl-C must end it as cleanly now as later

from tools.soak.run import main  # noqa: E402

sys.exit(main())
