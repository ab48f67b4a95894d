"""`walletctl console`: the console of a deployed stack, on this machine."""

import os
from functools import partial
from typing import Annotated

import typer

from tools.shared.hints import PORT as LOCAL_PORT
from tools.shared.outside import plain
from tools.shared.trouble import Trouble
from tools.walletctl.place import Asked, DeployedStack, asks_where

PORT = 3001  # the local service's own is 3000


@partial(asks_where, without=("local", "port"))
def console(
    asked: Asked,
    port: Annotated[int, typer.Option(metavar="N", help="Where it is served on 127.0.0.1.", min=1, max=65535)] = PORT,
) -> None:
    """Serves the console of a deployed stack on this machine, with your own credentials. Ctrl-C stops it.

    Nothing of it is deployed, and nobody else can reach it. A local service has its console where it is served itself.
    """
    if asked.stack is None:
        raise Trouble(
            "name a stack with --stack NAME. The console of a local service is where `make run` serves: "
            f"http://127.0.0.1:{plain(os.environ.get('PORT') or str(LOCAL_PORT))}/"
        )
    from tools.console.served import serve  # a web server, which no other command should wait for

    serve(asked.stack, DeployedStack(asked.stack, asked.session(f"the stack {asked.stack}")), port)
