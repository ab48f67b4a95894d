"""The console of the local service, in front of its callbacks on the same port."""

from collections.abc import Callable

from starlette.types import ASGIApp

from tools.console.app import Console, in_front
from tools.console.backoffice import BackOffice
from tools.console.feed import Feed
from tools.console.simulator import Simulator
from tools.console.trying import Outage, TryPages
from tools.local.settings import ServiceSettings
from tools.local.wallets import PreparedService
from tools.provider.secret import Secret
from tools.shared.folders import LOCAL, outage
from tools.walletctl.place import OwnService

_COUNTING_SECONDS = 3  # what is parked, while somebody looks


class Here:
    """The local service's `Front`: tools/local/front.py."""

    def __init__(self, settings: ServiceSettings, prepared: PreparedService) -> None:
        office = BackOffice(OwnService(settings.port), is_local=True, folder=LOCAL)
        secret = Secret(auth_token=prepared.auth_token, hash_secret=prepared.hash_secret)
        self.watcher = Feed()
        self._outage = Outage(outage(settings.port))
        self._simulator = Simulator(settings.port, LOCAL)
        self._console = Console(
            office=office,
            feed=self.watcher,
            port=settings.port,
            source="Each callback as this service answers it, and each try from its retry queues.",
            counting_seconds=_COUNTING_SECONDS,
            retry_seconds=settings.retry_seconds,
            trying=lambda pages, token: TryPages(
                office, self.watcher, pages, secret, self._outage, self._simulator, token
            ),
        )

    def before(self, callbacks: ASGIApp) -> ASGIApp:
        return in_front(self._console.application(), callbacks)

    async def run(self, is_stopping: Callable[[], bool]) -> None:
        self._console.is_stopping = is_stopping
        await self._console.run()

    def end(self) -> None:
        self._outage.end()
        self._simulator.end()
