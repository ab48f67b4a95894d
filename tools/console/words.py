"""What became of a movement, and why a win was not credited, in plain words."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tools.shared.amounts import amount
from tools.walletctl.parked.advice import why_not_the_prize
from tools.walletctl.parked.letters import INVALID, Group
from tools.walletctl.records import by_hand, kind_of, meaning, moved_bonus, outcome_of, why_less

_LATE = "the tables did not answer in time"
_AWAY = "the tables could not be reached"
_BUSY = "the tables were asked for more than they allow"
_STORE = {  # what the store gives as its reason: the SDK's words, and its own
    "ReadTimeoutError": _LATE,
    "ConnectTimeoutError": _AWAY,
    "EndpointConnectionError": _AWAY,
    "ConnectionClosedError": "the connection to the tables broke off",
    "HTTPClientError": _AWAY,
    "ProxyConnectionError": _AWAY,
    "SSLError": _AWAY,
    "NoCredentialsError": "the function has no credentials for the tables",
    "ThrottlingException": _BUSY,
    "Throttling": _BUSY,
    "ThrottlingError": _BUSY,
    "RequestLimitExceeded": _BUSY,
    "ProvisionedThroughputExceededException": _BUSY,
    "ProvisionedThroughputExceeded": _BUSY,
    "the tables are throttled": _BUSY,
    "TransactionConflict": "too many callbacks moved this wallet at the same moment",
    "TransactionInProgressException": "too many callbacks moved this wallet at the same moment",
    "another writer was faster": "too many callbacks moved this wallet at the same moment",
    "InternalServerError": "the tables answered with a fault of their own",
    "ServiceUnavailable": "the tables answered with a fault of their own",
    "the time was up at once": "no time was left to ask the tables",
    "the wallet is behind its transactions": "the wallet is behind its transactions, as after a restore",
}


def why(code: int | None, reason: str | None) -> str:
    """What an error and its reason mean; the reason itself where it says as much."""
    said = reason or ""
    match code:
        case 15:
            return "the wallet had less than was to be taken"
        case 62:
            return "this player has no wallet"
        case 52:
            currency = said.rpartition(" ")[2] if "wallet's is" in said else ""
            return f"it is in another currency than the wallet{f', which is in {currency}' if currency else ''}"
        case 53 | 61:
            return _contradicts(said)
        case 59:
            return "its amount is not valid"
        case 401:
            return "it did not prove to be the provider's: token or hash are wrong or absent"
        case 998:
            return _unavailable(said)
    return _lowered(said) or "no reason was given"


def _contradicts(said: str) -> str:
    """What stands against a request: what is on record under its reference, or its round."""
    cause, _, named = said.partition(": ")
    of_others = f", with another {' and '.join(title_of(each).lower() for each in named.split(', '))}" if named else ""
    match cause:
        case "" | "This reference was already used with other content":
            return f"the reference was used before{of_others}"
        case "This bet is on record with other content":
            return f"its bet is on record{of_others}"
        case _:
            return _lowered(cause)


def whys(group: Group) -> list[str]:
    """Why what a group's letters ask for was not credited, each reason once."""
    if group.refused:
        return [group.refused]
    of_wins = [why(*fault) for fault in group.wins.faults] if group.wins else []
    of_prizes = [why_prize(*fault) for fault in group.prizes.faults] if group.prizes else []
    return list(dict.fromkeys([*of_wins, *of_prizes]))


def why_prize(code: int, reason: str) -> str:
    return f"its prize cannot be paid: {why_not_the_prize(code, reason)}"


def _unavailable(said: str) -> str:
    cause = re.sub(r", attempt \d+$", "", said)
    if known := _STORE.get(cause):
        return known
    if cause.startswith("a defect"):
        return "the wallet's own code has a defect"
    return _lowered(cause) or "it was not possible at the moment"


def _lowered(said: str) -> str:
    return said[:1].lower() + said[1:] if said[1:2].islower() else said


_AGAIN = "A retry is refused again"
REMEDIES = {  # what helps against a cause, in order
    "retry": "Once the cause is gone, try again. What was paid meanwhile is not paid twice.",
    "open wallets": "Open a wallet for each player who is yours. Then try again.",
    "compare": f"{_AGAIN}. Compare each with what is on record. Settle what is owed, and discard the rest.",
    "other currency": f"{_AGAIN} while the wallet has another currency. Settle what you pay by other means, and "
    "discard what nobody is owed.",
    "correct": f"{_AGAIN} as it is. Ask the provider to correct it and to send it again. Settle what is owed as it "
    "is, and discard the rest.",
    "settle": f"{_AGAIN}. Ask the provider which is right. Settle what is owed, and discard the rest.",
    "answered": "The provider has its answer, and does not send it again. Ask it which bets it means.",
    "no request": "It cannot be tried again or settled. If nobody is owed it, discard it.",
}

FINAL = frozenset({52, 61}) | INVALID  # errors after which a request waits for a person at once


def title_of(field: str) -> str:
    """What the pages call a field of the provider's."""
    return _TITLES.get(field, field)


def titled(asked: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """What a request says, in an order that does not depend on the request: field, title and value."""
    fields = [*_TITLES, *(asked.keys() - _TITLES.keys())]
    return [(field, title_of(field), asked[field]) for field in fields if field in asked]


_TITLES = {
    "userId": "Player",
    "roundId": "Round",
    "amount": "Amount",
    "currency": "Currency",
    "gameId": "Game",
    "bonusCode": "Bonus code",
    "jackpotId": "Jackpot",
    "promoCampaignId": "Campaign",
    "promoWinReference": "Prize's reference",
    "promoWinAmount": "Prize's amount",
}


def on_record(transactions: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """What it means that these are in the ledger, as a heading and a sentence."""
    if len(transactions) == 1 and (title := _title(transactions[0])):
        return title, meaning(transactions[0])
    if unmoved := [item for item in transactions if outcome_of(item)]:
        moved = counted(len(transactions) - len(unmoved), "transaction")
        return f"Moved: {moved}", f"{counted(len(unmoved), 'record')} of that name moved no money."
    match [(item.get("amount"), item.get("amountAsked")) for item in transactions]:
        case [(0, 0)]:
            return "On record, and nothing was won", "So there is no money to look for."
        case [(0, _)]:
            return "On record, and nothing more to pay", f"{why_less(transactions[0]) or 'No money came with it'}."
        case [(Decimal() as paid, _)]:
            currency = transactions[0].get("currency") or ""
            less = f" {reason}." if (reason := why_less(transactions[0])) else ""
            settled = f" Settled by {who}." if (who := by_hand(transactions[0])) else ""
            return (
                f"Credited: {amount(paid)} {currency}".rstrip(),
                f"The money was added to the wallet.{less}{settled}",
            )
    if any(kind_of(item) in NO_WINS for item in transactions):
        return f"On record: {counted(len(transactions), 'transaction')}", "Each moved the wallet by itself."
    together = "The money was added to the wallet by these, each on record by itself."
    return "Credited", f"{counted(len(transactions), 'transaction')}. {together}"


def _title(item: Mapping[str, Any]) -> str | None:
    """The heading of what was not a win that was paid."""
    paid, kind = item.get("amount"), kind_of(item)
    paid = moved_bonus(item) if paid == 0 and kind == "adjustment" else paid
    money = (
        f"{amount(paid.copy_abs())} {item.get('currency') or ''}".rstrip()
        if isinstance(paid, Decimal)
        else "unreadable"
    )
    match outcome_of(item):
        case "not enough":
            return "Refused: not enough money"
        case "booked elsewhere":
            return "Booked elsewhere: not paid here"
        case "cancelled":
            return "Cancelled before it came: nothing was taken"
        case _:
            return f"{DONE[kind]}: {money}" if kind in NO_WINS else None


DONE = {
    "opening": "Opened",
    "deposit": "Deposited",
    "withdrawal": "Withdrawn",
    "adjustment": "Adjusted",
    "bet": "Staked",
    "cancel": "Paid back",
}
NO_WINS = DONE.keys()


ANSWERS = {
    0: "success",
    15: "not enough money",
    52: "wrong currency",
    53: "not allowed",
    56: "the player is frozen",
    57: "a malformed field",
    59: "the amount is not valid",
    61: "conflict",
    62: "no such player",
    64: "a field is missing",
    99: "not readable",
    401: "not authentic",
    404: "no such path",
    405: "not a POST",
    998: "not possible now",
}


def counted(number: int, what: str) -> str:
    """How many of it: `delivery` becomes `deliveries`."""
    many = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    return f"{number:,} {what if number == 1 else many}"
