"""Where this checkout is, and what a local service leaves in it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IS_CHECKOUT = (ROOT / "template.yaml").is_file()  # not of a package that is installed from the wheel
LOCAL = ROOT / ".local"  # logs, an engine's state, what was built


def announcement(port: int) -> Path:
    """The file in which the service on that port says where it and its engines are, while it runs."""
    return LOCAL / f"service-{port}.json"


def outage(port: int) -> Path:
    """The file that takes the tables away from the functions of the service on that port, as long as it exists."""
    return LOCAL / f"outage-{port}"
