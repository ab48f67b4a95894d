"""`make deploy-local`: the whole stack, deployed to an engine on this machine, called once in each way, and taken down.

KEEP=1 leaves it up until Ctrl-C. ENGINE_PORT is where it listens (a free port).
"""

import json
import os
import sys
import time

from rich.console import Console
from rich.table import Table

from tools.local.deploy.examples import EVENTS, rounds
from tools.local.deploy.stack import Stack, deployed
from tools.local.engine import free_port, must_be_free
from tools.local.lifetime import leave_on_signals
from tools.local.settings import whole_number
from tools.local.wallets import read_players
from tools.provider.answers import Answer
from tools.provider.paths import query_of
from tools.provider.signing import signed_again
from tools.shared.trouble import Trouble


def main() -> int:
    leave_on_signals()
    try:
        port = whole_number(os.environ, "ENGINE_PORT", 0, 65535) or free_port()
        must_be_free(port, "ENGINE_PORT")
        started = time.monotonic()
        print("Deploying template.yaml to an engine on this machine ...", flush=True)
        with deployed(port) as stack:
            print(f"Deployed in {time.monotonic() - started:.0f} s: {len(stack.resources)} resources", flush=True)
            is_good = _call(stack)
            if os.environ.get("KEEP", "0") not in ("", "0"):
                _show(stack)
                while True:
                    time.sleep(3600)
    except Trouble as trouble:
        print(f"deploy-local: {trouble}", file=sys.stderr)
        return 1
    return 0 if is_good else 1


def _call(stack: Stack) -> bool:
    """Sends the examples and shows the answers; whether each was a success."""
    secret = json.loads((EVENTS / "secrets.json").read_text())
    stack.keep_secret(secret)
    for player in read_players(EVENTS / "players.json"):
        stack.open_wallet(player)
    columns = ("error", "transactionId", "cash", "bonus")
    table = Table("call", "amount", "HTTP", *columns, title="An example of each call")
    codes = []
    for example in rounds():
        body = signed_again(example.body, secret["current"]["hashSecret"])
        url = f"{stack.outputs[example.output]}{query_of(secret['current']['authToken'])}"
        status, text = stack.call(url, body)
        answer = Answer(status=status, text=text)
        codes.append(answer.error)
        amount = json.loads(body, parse_float=str).get("amount", "")
        table.add_row(example.name, amount, str(status), *(answer.literal(column) for column in columns))
    Console(width=110).print(table)
    return codes == [0] * len(codes)


def _show(stack: Stack) -> None:
    print(f"The engine answers at {stack.endpoint}; its callers must trust {stack.authority}")
    for name, value in stack.outputs.items():
        print(f"{name:<18} {value}")
    print("Ctrl-C takes it down", flush=True)


if __name__ == "__main__":
    sys.exit(main())
