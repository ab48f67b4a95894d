"""Every answer that is not a success: one class a code, raised anywhere, caught once in callback.py.

    Refusal
    ├── MethodNotAllowed   405  HTTP 405  not a POST
    ├── Unauthorized       401  HTTP 401  token or hash wrong or absent
    ├── Unreadable          99  HTTP 400  not JSON, not an object, too large, or a key twice
    ├── Absent              64  HTTP 400  a mandatory field is absent or empty
    ├── InvalidAmount       59  HTTP 400  not a valid amount
    ├── Malformed           57  HTTP 400  a field is malformed
    ├── Conflict            61  HTTP 200  the reference was used with other content, or the round forbids it
    ├── NoSuchPlayer        62  HTTP 200  no wallet under this userId
    ├── WrongCurrency       52  HTTP 200  not the wallet's currency
    ├── Frozen              56  HTTP 200  the player may not bet
    ├── NotAllowed          53  HTTP 200  a bet that its own record or its round forbids
    ├── NotEnough           15  HTTP 200  less money than was to be taken
    ├── UnknownRound         0  HTTP 200  a refund that is done, and that a person must look at
    └── Unavailable        998  HTTP 503  not possible at the moment

The classes are in order of precedence: a request with several faults gets the first one's answer. There are three
exceptions: two spellings of one field that disagree come before the other faults of a body's fields; what a bet's own
record forbids (53) comes before the player (62); and what a round forbids (53, 61) comes after the currency (52).
HTTP 200 marks what a retransmission cannot mend; 503 makes the provider send again (ten times).
999 is never answered: it tells the provider to give up, and the player's win is lost.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar


class Refusal(Exception):
    """A request that moves nothing. `str()` is the description the provider reads; `reason` is for the operator.

    A description names fields, never values: a value may be a secret, or an attack on a log reader.
    """

    code: ClassVar[int]
    http_status: ClassVar[int]
    headers: ClassVar[Mapping[str, str]] = {}
    is_owed: bool = False  # an admitted request that is refused with this is kept, for a retry or a person
    differences: tuple[str, ...] = ()  # the fields that contradict what is on record under the same reference
    may_pass: bool = False  # a retry may credit it; otherwise a person decides

    def __init__(self, description: str, detail: str = "") -> None:
        super().__init__(description)
        self.reason = f"{description}: {detail}" if detail else description


class MethodNotAllowed(Refusal):
    code = 405
    http_status = 405
    headers: ClassVar[Mapping[str, str]] = {"Allow": "POST"}

    def __init__(self) -> None:
        super().__init__("Only POST is accepted")


class Unauthorized(Refusal):
    """The answer never says which of the two was wrong: that would help an attacker. `detail` is for the log."""

    code = 401
    http_status = 401

    def __init__(self, detail: str = "") -> None:
        super().__init__("Unauthorized", detail)


class Unreadable(Refusal):
    code = 99
    http_status = 400

    def __init__(self, fault: str) -> None:
        super().__init__(f"The body {fault}")


class Absent(Refusal):
    code = 64
    http_status = 400
    is_owed = True

    def __init__(self, field: str) -> None:
        super().__init__(f"Mandatory field is absent or empty: {field}")


class InvalidAmount(Refusal):
    code = 59
    http_status = 400
    is_owed = True

    def __init__(self, field: str) -> None:
        super().__init__(f"Not a valid amount: {field}")


class Malformed(Refusal):
    code = 57
    http_status = 400
    is_owed = True

    def __init__(self, field: str) -> None:
        super().__init__(f"Field is malformed: {field}")


class Conflict(Refusal):
    """The reference is taken by a transaction that differs in `differences` (names of fields), or the player is; or
    the round forbids it."""

    code = 61
    http_status = 200
    is_owed = True

    def __init__(
        self, differences: tuple[str, ...], description: str = "This reference was already used with other content"
    ) -> None:
        super().__init__(description, ", ".join(differences))
        self.differences = differences


class NoSuchPlayer(Refusal):
    code = 62
    http_status = 200
    is_owed = True
    may_pass = True  # the player may be created meanwhile

    def __init__(self, user_id: str, *, is_remembered: bool = False) -> None:
        """`is_remembered`: the cancel of a bet is on record all the same, and there is nothing to keep."""
        super().__init__("No such player", user_id)
        if is_remembered:
            self.is_owed = self.may_pass = False


class WrongCurrency(Refusal):
    code = 52
    http_status = 200
    is_owed = True

    def __init__(self, wallet_currency: str) -> None:
        super().__init__("The currency is not the player's", f"the wallet's is {wallet_currency}")


class Frozen(Refusal):
    code = 56
    http_status = 200

    def __init__(self) -> None:
        super().__init__("The player is frozen")


class NotAllowed(Refusal):
    """A bet that is not taken and never kept. With `differences`, its reference is on record with other content.

    It is never answered 61: the provider reads that as "exists, no action required", and may play the spin.
    """

    code = 53
    http_status = 200

    def __init__(self, description: str, differences: tuple[str, ...] = ()) -> None:
        super().__init__(description, ", ".join(differences))
        self.differences = differences


class NotEnough(Refusal):
    """Answered with the balances that there are. It is on record by then: the same again is refused again."""

    code = 15
    http_status = 200

    def __init__(self, currency: str, cash: Decimal, bonus: Decimal) -> None:
        super().__init__("Not enough money")
        self.currency, self.cash, self.bonus = currency, cash, bonus


class UnknownRound(Refusal):
    """Why a refund that was answered 0 is left for a person. It is never an answer."""

    code = 0
    http_status = 200

    def __init__(self) -> None:
        super().__init__("No bet of the round is on record")


class Unavailable(Refusal):
    """The credit could not be settled now. The operator reads only the `cause`, the provider only the description."""

    code = 998
    http_status = 503
    is_owed = True
    may_pass = True

    def __init__(self, cause: str) -> None:
        super().__init__("Not possible at the moment, send again")
        self.reason = cause
