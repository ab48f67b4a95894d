"""AWS's SDK: every client, made alike.

It is botocore, on which boto3 stands: what boto3 adds (S3 transfers, resources) costs a cold start as much as
the rest of the wallet, and no callback needs it.
"""

from typing import Any

from botocore.config import Config
from botocore.session import Session

_session = Session()


def client(service: str, *, connect_seconds: float, read_seconds: float, attempts: int) -> Any:
    """A client in the function's own region and by its own credentials, which renew themselves.

    Both limits are of one attempt, from byte to byte. It opens no connection before it is asked something.
    """
    return _session.create_client(
        service,
        config=Config(
            connect_timeout=connect_seconds,
            read_timeout=read_seconds,
            retries={"total_max_attempts": attempts, "mode": "standard"},
            tcp_keepalive=True,
            # Each would be done anew for every call: what is sent is made here and tested, and is sent as who it is.
            parameter_validation=False,
            user_agent="lucky-monaco-wallet",
        ),
    )
