"""What tests/contract.py leaves on record, compared with what the wallet's tables hold."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from contract import Contract, Record, Round, digest_of, written

Item = Mapping[str, Any]


def assert_on_record(contract: Contract, **tables: Sequence[Item]) -> None:
    """Raises AssertionError unless the items are the contract's, and there are no others."""
    digests = {item["userId"]: item.get("digest", "") for item in tables["Players"]}
    found = {
        "Players": {
            item["userId"]: {name: value for name, value in item.items() if name not in ("digest", "frozenAt")}
            for item in tables["Players"]
        },
        "Rounds": {(item["userId"], item["gameId"], item["roundId"]): _found_round(item) for item in tables["Rounds"]},
        "Transactions": {item["id"]: _found(item) for item in tables["Transactions"]},
        "FreeRounds": {
            (item["userId"], item["bonusCode"]): (item["uncovered"], item["advance"]) for item in tables["FreeRounds"]
        },
    }
    due = {
        "Players": {
            player: {"userId": player, **vars(wallet), **_frozen(contract, player)}
            for player, wallet in contract.wallets.items()
        },
        "Rounds": {key: _round(round) for key, round in contract.rounds.items()},
        "Transactions": {record.credit.id: _recorded(record) for record in contract.records.values()},
        "FreeRounds": {code: (count.uncovered, count.advance) for code, count in contract.counts.items()},
    }
    for table, must_be in due.items():
        assert found[table] == must_be, f"{table} holds {found[table]}, and must hold {must_be}"
    assert digests == {**dict.fromkeys(contract.wallets, ""), **last_digests(tables["Transactions"])}


def last_digests(transactions: Iterable[Item]) -> dict[str, str]:
    """The digest of each player's last movement. Raises AssertionError unless each is of the one before and its own."""
    last: defaultdict[str, str] = defaultdict(str)
    for item in sorted(transactions, key=lambda item: item.get("seq", 0)):
        if "seq" not in item:
            assert "digest" not in item
            continue
        plain = {name: written(Fraction(each)) if isinstance(each, Decimal) else each for name, each in item.items()}
        assert item["digest"] == digest_of(last[item["userId"]], plain), f"the digest of {item['id']}"
        last[item["userId"]] = item["digest"]
    return dict(last)


def _frozen(contract: Contract, player: str) -> Item:
    if player not in contract.frozen:
        return {}
    actor, reason = contract.frozen[player]
    return {"frozen": True, "frozenBy": actor, "frozenReason": reason}


_FLAGS = {
    "hadBet": "had_bet",
    "hadRefusedBet": "had_refused_bet",
    "hasResult": "has_result",
    "refunded": "refunded",
    "refundedElsewhere": "refunded_elsewhere",
    "ended": "ended",
}


def _found_round(item: Item) -> Item:
    """A round without its times: an open one does not expire."""
    assert ("openSince" in item) != ("expiresAt" in item)
    bets = [(bet["reference"], bet["taken"], bet.get("bonusCode")) for bet in item["bets"]]
    flags = {name: item[name] for name in _FLAGS if name in item}
    return {"bets": bets, "winnings": item["winnings"], "is_open": "openSince" in item, **flags}


def _round(round: Round) -> Item:
    bets = [(bet.reference, bet.taken, bet.bonus_code) for bet in round.bets]
    flags = {name: True for name, attribute in _FLAGS.items() if getattr(round, attribute)}
    return {"bets": bets, "winnings": round.winnings, "is_open": round.is_open, **flags}


_RECORDED = ("userId", "seq", "outcome", "amountAsked", "amount", "cashAfter", "bonusAfter")


def _found(item: Item) -> Item:
    prize = [item.get(f"prize{name}", item.get(f"laterPrize{name}")) for name in ("Reference", "Amount")]
    return {**{name: item.get(name) for name in _RECORDED}, "prize": prize}


def _recorded(record: Record) -> Item:
    credit, wallet, moved = record.credit, record.wallet, record.outcome is None
    left = (wallet.version, wallet.cash, wallet.bonus) if moved else (None, None, None)
    seq, cash, bonus = left
    asked = None if credit.remembers else credit.amount
    values = (credit.player, seq, record.outcome, asked, record.paid, cash, bonus)
    prize = [credit.prize.reference, credit.prize.amount] if credit.prize else [None, None]
    return {**dict(zip(_RECORDED, values, strict=True)), "prize": prize}
