"""`make redrive`, or `python -m tools.redrive`. What it can be told: tools/redrive/cli.py."""

from tools.redrive.cli import app

app(prog_name="redrive")
