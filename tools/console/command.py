"""`walletctl console`: the console of a deployed stack, on this machine."""

import os
from typing import Annotated

import typer

from tools.local.trouble import Trouble
from tools.outside import plain
from tools.walletctl import place
from tools.walletctl.place import DeployedStack

PORT = 3001  # the local service's own is 3000


def console(
    stack: place.Stack = None,
    profile: place.Profile = None,
    region: place.Region = None,
    port: Annotated[int, typer.Option(metavar="N", help="Where it is served on 127.0.0.1.", min=1, max=65535)] = PORT,
) -> None:
    """Serves the console of a deployed stack on this machine, with your own credentials. Ctrl-C stops it.

    Nothing of it is deployed, and nobody else can reach it. A local service has its console where it is served itself.
    """
    if stack is None:
        raise Trouble(
            "name a stack with --stack NAME. The console of a local service is where `make run` serves: "
            f"http://127.0.0.1:{plain(os.environ.get('PORT') or str(place.PORT))}/"
        )
    from tools.console.served import serve  # a web server, which no other command should wait for

    serve(stack, DeployedStack(stack, place.session(f"the stack {stack}", profile, region)), port)
