"""Wrong operators: the right one of rival.py with one thing changed in each, as it is done by mistake."""

import asyncio
import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from .rival import OTHER_NAMES, Credit, Literal, Parameter, Record, Refused, Rival, Wallet


@dataclass(frozen=True, slots=True)
class Wrong:
    """`caught_by`: all cases that notice it, of the groups that they are in; or some, `among_others`."""

    operator: type[Rival]
    caught_by: frozenset[str]
    among_others: bool
    large_amounts: bool


WRONG: list[Wrong] = []
OperatorT = TypeVar("OperatorT", bound=type[Rival])


def caught_by(*cases: str, among_others: bool = False, large_amounts: bool = False) -> Callable[[OperatorT], OperatorT]:
    def keep(operator: OperatorT) -> OperatorT:
        WRONG.append(Wrong(operator, frozenset(cases), among_others, large_amounts))
        return operator

    return keep


# --- Once -------------------------------------------------------------------------------------------


@caught_by(
    "a result sent twice is credited once",
    "a jackpot sent twice is credited once",
    "a free round total sent twice is credited once",
    "a promotion sent twice is credited once",
    "ten retransmissions are one credit",
    among_others=True,
)
class NoIdempotency(Rival):
    """Credits whatever comes."""

    def recorded(self, credit: Credit) -> Record | None:
        return None


@caught_by(
    "copies of a result at once are one credit",
    "copies of a jackpot at once are one credit",
    "copies of a free round total at once are one credit",
    "copies of a promotion at once are one credit",
    "copies at once are told one transactionId",
    "of different contents at once under one reference one is paid",
    "a prize alone and inside its result at once is paid once",
    "a result and its auto closing at once are one credit",
)
class CheckThenInsert(Rival):
    """Looks whether a reference is known, and writes it down a moment later."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.lock = nullcontext()


@caught_by(
    "different wins at once are all paid",
    "wins of every kind at once are all paid",
    "free rounds at once are all paid to cash and bonus",
    "a total covers all rounds that came at once before it",
    "different totals at once cover a round once",
    "replays amid new wins pay nothing",
)
class LostUpdate(Rival):
    """Reads a balance, and writes back what it made of it though another was written meanwhile."""

    async def settle(self, credits: list[Credit]) -> Record:
        wallet = self.wallets.get(credits[0].player)
        before = (wallet.cash, wallet.bonus) if wallet else (Decimal(0), Decimal(0))
        known = [self.recorded(credit) for credit in credits]
        self.lock.release()  # pyright: ignore[reportAttributeAccessIssue]
        await asyncio.sleep(0)
        await self.lock.acquire()  # pyright: ignore[reportAttributeAccessIssue]
        if wallet and not any(known) and not any(self.recorded(credit) for credit in credits):
            wallet.cash, wallet.bonus = before
        return await super().settle(credits)


@caught_by("a replay shows the balances as they are now")
class StaleReplay(Rival):
    """Keeps its answers, balances and all, and repeats them."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.told: dict[Any, Wallet] = {}

    def success(self, first: Record, wallet: Wallet, *, as_text: bool) -> str:
        told = self.told.setdefault(self.key(first.credit), replace(wallet))
        return super().success(first, told, as_text=as_text)


@caught_by("a replay has the first transactionId", "copies at once are told one transactionId", among_others=True)
class NewIdOfAReplay(Rival):
    """Makes up a transactionId for every answer."""

    def success(self, first: Record, wallet: Wallet, *, as_text: bool) -> str:
        self.answered = getattr(self, "answered", 0) + 1
        return super().success(replace(first, transaction_id=f"a-{self.answered}"), wallet, as_text=as_text)


@caught_by("a replay is answered as a success", among_others=True)
class ReplayRefused(Rival):
    """Answers a known reference with an error, so that the provider believes that it was not paid."""

    async def settle(self, credits: list[Credit]) -> Record:
        if self.recorded(credits[0]):
            raise Refused(61, "already processed", 200)
        return await super().settle(credits)


@caught_by("references that differ by case are two")
class CaseOfReferencesIgnored(Rival):
    """Has a table whose collation does not tell upper from lower case."""

    def key(self, credit: Credit) -> Any:
        return credit.kind, credit.reference.lower()


@caught_by("references are told apart to the last character")
class AccentsOfReferencesIgnored(Rival):
    """Has a table that keeps only what is ASCII of a reference."""

    def key(self, credit: Credit) -> Any:
        return credit.kind, credit.reference.encode("ascii", "ignore")


@caught_by("another player is refused with 61 rather than 62", "a reference of another player is not paid to this one")
class ReferencesByPlayer(Rival):
    """Knows a reference only with its player."""

    def key(self, credit: Credit) -> Any:
        return credit.kind, credit.player, credit.reference


@caught_by("one reference under two kinds is two transactions")
class ReferencesOfAllKinds(Rival):
    """Knows a reference without its kind."""

    def key(self, credit: Credit) -> Any:
        return credit.reference


@caught_by(
    "two wins of one round are both paid",
    "other content under a known reference is no second transaction",
    "another round is refused with 61",
    "names of 128 characters are accepted",
    "a result that conflicts refuses its prize with 61",
    "two jackpots of one round are both paid",
)
class RoundsInsteadOfReferences(Rival):
    """Takes a round for what is paid once."""

    def key(self, credit: Credit) -> Any:
        return (credit.kind, credit.content[1]) if credit.kind in ("result", "jackpot") else super().key(credit)


@caught_by("a replay may order its fields otherwise", among_others=True)
class Fingerprint(Rival):
    """Takes another order of the fields for another content."""

    def credits(self, kind: str, fields: dict[str, Any]) -> list[Credit]:
        win, *prize = super().credits(kind, fields)
        return [replace(win, content=(*win.content, tuple(fields))), *prize]


@caught_by(
    "a replay may have another uuid and timestamp",
    "a promotion after the result that carried it is a replay",
    "a result after the promotion that it carries pays its win alone",
    "a prize inside a result is a transaction of its own",
    "a promotion is a replay though its result named no campaign",
    "a prize alone and inside its result at once is paid once",
)
class UuidIsContent(Rival):
    """Takes a new uuid for another content, though each delivery has one of its own."""

    def credits(self, kind: str, fields: dict[str, Any]) -> list[Credit]:
        win, *prize = super().credits(kind, fields)
        return [replace(win, content=(*win.content, fields.get("uuid"))), *prize]


@caught_by(
    "a replay may write its amount with more zeros", "a replay may write its amount as a number", among_others=True
)
class AmountsByText(Rival):
    """Takes 0.02 and 0.0200 for two amounts."""

    def credits(self, kind: str, fields: dict[str, Any]) -> list[Credit]:
        win, *prize = super().credits(kind, fields)
        return [replace(win, content=(*win.content, str(fields["amount"]))), *prize]


@caught_by(
    "a round whose result arrived is not paid again when it is closed",
    "an auto closing after its result is a replay",
    "a result after its auto closing is a replay",
    among_others=True,
)
class AutoClosingByItself(Rival):
    """Takes an automatic closing for a transaction of its own."""

    def credits(self, kind: str, fields: dict[str, Any]) -> list[Credit]:
        win, *prize = super().credits(kind, fields)
        return [replace(win, content=(*win.content, "sessionid" in fields)), *prize]

    def key(self, credit: Credit) -> Any:
        return (*super().key(credit), credit.content[-1:])


@caught_by(
    "another amount is refused with 61",
    "another player is refused with 61 rather than 62",
    "a conflict is told by error and description alone",
    among_others=True,
)
class ConflictsAsSuccess(Rival):
    """Answers a known reference with a success, whatever came with it."""

    def is_replay(self, credit: Credit, recorded: Credit) -> bool:
        return True


@caught_by(
    "another game is refused with 61",
    "another round is refused with 61",
    "another jackpot is refused with 61",
    "another campaign is refused with 61",
    "a bonus code that was not there is refused with 61",
    among_others=True,
)
class ConflictsByAmountAlone(Rival):
    """Compares nothing of a replay but its player and its amount."""

    def is_replay(self, credit: Credit, recorded: Credit) -> bool:
        return (credit.player, credit.amount) == (recorded.player, recorded.amount)


@caught_by("a prize that conflicts refuses the whole result with 61")
class HalfOfAConflict(Rival):
    """Pays the win of a result whose prize conflicts."""

    async def settle(self, credits: list[Credit]) -> Record:
        first = await super().settle(credits[:1])
        return await super().settle(credits) if credits[1:] else first


# --- Money ------------------------------------------------------------------------------------------


@caught_by(
    "eighteen places of text are credited to the last",
    "eighteen places of a number are credited to the last",
    "the smallest amount is credited",
    among_others=True,
)
class FloatMoney(Rival):
    """Adds binary floats."""

    def add(self, balance: Decimal, amount: Decimal) -> Decimal:
        return Decimal(repr(float(balance) + float(amount))) if amount else balance


@caught_by(
    "an amount of 32 digits is credited to the last", "an answer keeps every digit of a balance", large_amounts=True
)
class TwentyEightDigits(Rival):
    """Adds decimals with the language's own precision, which rounds."""

    def add(self, balance: Decimal, amount: Decimal) -> Decimal:
        return balance + amount


@caught_by(
    "eighteen places of text are credited to the last",
    "eighteen places of a number are credited to the last",
    "the smallest amount is credited",
    "an answer keeps every digit of a balance",
)
class RoundedToCents(Rival):
    """Keeps two places."""

    def add(self, balance: Decimal, amount: Decimal) -> Decimal:
        return (balance + amount).quantize(Decimal("0.01"), ROUND_HALF_EVEN)


@caught_by(
    "eighteen places of text are credited to the last",
    "eighteen places of a number are credited to the last",
    "the smallest amount is credited",
    "an answer keeps every digit of a balance",
)
class AnswersInCents(Rival):
    """Keeps every digit, and shows two places."""

    def written(self, balance: Decimal, as_text: bool) -> str:
        return super().written(balance.quantize(Decimal("0.01")), as_text)


@caught_by("balances are text where the amount was text")
class AlwaysNumbers(Rival):
    """Answers numbers to text."""

    def written(self, balance: Decimal, as_text: bool) -> str:
        return super().written(balance, as_text=False)


@caught_by("balances are numbers where the amount was a number", "a replay is answered in its own notation")
class AlwaysText(Rival):
    """Answers text to numbers."""

    def written(self, balance: Decimal, as_text: bool) -> str:
        return super().written(balance, as_text=True)


@caught_by(
    "a negative amount is refused with 59",
    "an exponent in text is refused with 59",
    "an exponent in a number is refused with 59",
    "a space in an amount is refused with 59",
    "digits of another script are refused with 59",
    among_others=True,
)
class TheLanguagesOwnNumbers(Rival):
    """Takes for an amount what the language takes for a number."""

    def amount(self, value: object) -> Decimal:
        try:
            found = Decimal(value.text if isinstance(value, Literal) else str(value))
        except ArithmeticError:
            raise Refused(59, "not an amount") from None
        if not found.is_finite():
            raise Refused(59, "not an amount")
        return found


@caught_by(
    "a lost round is recorded and moves nothing",
    "a reference of another player is not paid to this one",
    "a balance is written without an exponent",
    "a total of nothing is recorded and moves nothing",
    "a prize of zero is the win alone and leaves its reference free",
    "a lost round may be closed automatically",
)
class ZeroRefused(Rival):
    """Takes a lost round for a mistake."""

    def amount(self, value: object) -> Decimal:
        if not (found := super().amount(value)):
            raise Refused(59, "not an amount")
        return found


# --- What a call does -------------------------------------------------------------------------------


@caught_by(
    "a promotion after the result that carried it is a replay",
    "a result after the promotion that it carries pays its win alone",
    among_others=True,
)
class PrizeInTheWin(Rival):
    """Adds the prize to the win, in one transaction."""

    def credits(self, kind: str, fields: dict[str, Any]) -> list[Credit]:
        win, *prizes = super().credits(kind, fields)
        return [replace(win, amount=sum((prize.amount for prize in prizes), win.amount))]


@caught_by("a prize inside a result is a transaction of its own")
class PrizeUnderTheWinsId(Rival):
    """Gives a prize the transactionId of the result that carried it."""

    async def settle(self, credits: list[Credit]) -> Record:
        first = await super().settle(credits)
        for prize in credits[1:]:
            key = self.key(prize)
            self.records[key] = replace(self.records[key], transaction_id=first.transaction_id)
        return first


@caught_by("a result pays its prize as well", among_others=True)
class PrizeForgotten(Rival):
    """Does not know the fields of a prize."""

    def credits(self, kind: str, fields: dict[str, Any]) -> list[Credit]:
        return super().credits(kind, fields)[:1]


@caught_by("a prize of zero is the win alone and leaves its reference free")
class PrizeOfZeroOnRecord(Rival):
    """Writes a prize of zero down, and so uses up its reference."""

    def credits(self, kind: str, fields: dict[str, Any]) -> list[Credit]:
        (win, *prizes) = super().credits(kind, fields)
        if not prizes and "promowinreference" in fields and "promowinamount" in fields:
            prizes = [Credit("promo", fields["promowinreference"], win.player, Decimal(0), win.currency, ())]
        return [win, *prizes]


@caught_by("a prize without a reference is refused with 64 and nothing is paid")
class PrizeWithoutReference(Rival):
    """Pays a prize that has no reference under its result's."""

    def credits(self, kind: str, fields: dict[str, Any]) -> list[Credit]:
        return super().credits(kind, {"promowinreference": fields["reference"]} | fields)


@caught_by("a total of paid rounds pays nothing more", "a total pays the rounds that were lost", among_others=True)
class BonusPaidTwice(Rival):
    """Pays a total in full though its rounds are paid."""

    def owed(self, credit: Credit) -> Decimal:
        return credit.amount


@caught_by("a total smaller than its rounds takes nothing back", "what was paid too much lessens no later total")
class TotalTakesBack(Rival):
    """Takes back what rounds were paid beyond their total."""

    def owed(self, credit: Credit) -> Decimal:
        before = self.uncovered.get((credit.player, credit.bonus_code or ""), Decimal(0))
        owed = super().owed(credit)
        return credit.amount - before if credit.kind == "bonus" and credit.bonus_code else owed


@caught_by(
    "after a total the count begins anew",
    "what was paid too much lessens no later total",
    "different totals at once cover a round once",
)
class CountNotBegunAnew(Rival):
    """Covers with each total what an earlier one has covered."""

    def owed(self, credit: Credit) -> Decimal:
        count = (credit.player, credit.bonus_code or "")
        before = self.uncovered.get(count, Decimal(0))
        owed = super().owed(credit)
        if credit.kind == "bonus":
            self.uncovered[count] = before
        return owed


@caught_by(
    "a total is added to cash", "a total without a roundId is credited", "rounds of another bonus code lessen no total"
)
class CountOfAllCodes(Rival):
    """Counts a player's rounds whatever their bonus code."""

    def owed(self, credit: Credit) -> Decimal:
        return super().owed(replace(credit, bonus_code="any") if credit.bonus_code else credit)


@caught_by("a jackpot is added to cash", "a jackpot leaves bonus alone", among_others=True)
class JackpotToBonus(Rival):
    """Takes a jackpot for a bonus."""

    def shares(self, credit: Credit, paid: Decimal) -> tuple[Decimal, Decimal]:
        return (Decimal(0), paid) if credit.kind == "jackpot" else super().shares(credit, paid)


@caught_by("a free round is added to cash", among_others=True)
class FreeRoundsToBonusAlone(Rival):
    """Takes the balance `bonus` for where free rounds are paid."""

    def shares(self, credit: Credit, paid: Decimal) -> tuple[Decimal, Decimal]:
        to_cash, to_bonus = super().shares(credit, paid)
        return (Decimal(0), to_bonus) if to_bonus else (to_cash, to_bonus)


@caught_by(
    "a free round is added to bonus as well", "a total without its rounds is added to bonus as well", among_others=True
)
class NoBonusCounted(Rival):
    """Does not count the money won in free rounds."""

    def shares(self, credit: Credit, paid: Decimal) -> tuple[Decimal, Decimal]:
        return paid, Decimal(0)


# --- Dialects ---------------------------------------------------------------------------------------


@caught_by(
    "a replay may spell its fields otherwise",
    "field names may be in upper case",
    "two spellings of a field that differ are refused with 57",
    "promoCampaignID is promoCampaignId",
)
class FieldsByTheirExactNames(Rival):
    """Knows a field by one spelling."""

    def name(self, name: str) -> str:
        return super().name(name) if name in _EXACT_NAMES else name


@caught_by(
    "the example of the Promo Win page is credited",
    "campaignId is promoCampaignId",
    "campaignType is promoCampaignType",
)
class OneNameOfCampaigns(Rival):
    """Does not know that campaignId is promoCampaignId."""

    def name(self, name: str) -> str:
        return name.lower()


@caught_by("a replay may have an unknown field", "unknown fields are accepted")
class UnknownFieldsRefused(Rival):
    """Refuses a field that no page has."""

    def fields(self, kind: str, parameters: list[Parameter]) -> dict[str, Any]:
        known = {name.lower() for name in _EXACT_NAMES} | OTHER_NAMES.keys()
        if any(each.name.lower() not in known for each in parameters):
            raise Refused(57, "unknown field")
        return super().fields(kind, parameters)


@caught_by(
    "a round that is closed automatically is credited",
    "an empty session is no reason to refuse",
    "the example of the Auto Closing page is credited",
    among_others=True,
)
class SessionNeeded(Rival):
    """Refuses a result without a session, as the Result page seems to say."""

    def fields(self, kind: str, parameters: list[Parameter]) -> dict[str, Any]:
        fields = super().fields(kind, parameters)
        if kind == "result" and "sessionid" not in fields:
            raise Refused(64, "sessionId is missing")
        return fields


@caught_by("a total without a roundId is credited", "the example of the Bonus Win page is credited", among_others=True)
class RoundNeeded(Rival):
    """Refuses a total without a round, as one line of the Bonus Win page says."""

    def fields(self, kind: str, parameters: list[Parameter]) -> dict[str, Any]:
        fields = super().fields(kind, parameters)
        if "roundid" not in fields and kind == "bonus":
            raise Refused(64, "roundId is missing")
        return fields


@caught_by("a replay may have other round details", "roundDetails may be an array", "roundDetails may be an object")
class RoundDetailsAreText(Rival):
    """Believes the pages' examples rather than their tables."""

    def check_forms(self, fields: dict[str, Any]) -> None:
        super().check_forms(fields)
        if not isinstance(fields.get("rounddetails", ""), str):
            raise Refused(57, "roundDetails is not text")


@caught_by("names of 128 characters are accepted")
class NamesOf36Characters(Rival):
    """Has columns of the provider's own limit."""

    def check_forms(self, fields: dict[str, Any]) -> None:
        super().check_forms(fields)
        if any(len(fields.get(name, "")) > 36 for name in ("reference", "roundid")):
            raise Refused(57, "too long")


@caught_by("a replay may write its currency in lower case", "a currency may be in lower case")
class CurrencyByCase(Rival):
    """Takes usd for another currency than USD."""

    def credits(self, kind: str, fields: dict[str, Any]) -> list[Credit]:
        return [replace(credit, currency=fields.get("currency")) for credit in super().credits(kind, fields)]


@caught_by("two spellings of a field that differ are refused with 57")
class SecondSpellingWins(Rival):
    """Takes the last of two spellings."""

    def fields(self, kind: str, parameters: list[Parameter]) -> dict[str, Any]:
        last = {self.name(each.name): each for each in parameters}
        return super().fields(kind, list(last.values()))


# --- Answers ----------------------------------------------------------------------------------------


@caught_by("an answer has exactly the documented keys", among_others=True)
class NoBonusShown(Rival):
    """Leaves out what the Result page calls optional."""

    def success(self, first: Record, wallet: Wallet, *, as_text: bool) -> str:
        told = json.loads(super().success(first, wallet, as_text=True))
        del told["bonus"]
        return json.dumps(told) if as_text else json.dumps(told).replace(f'"{told["cash"]}"', told["cash"])


@caught_by("a success says error 0 as a number")
class ErrorAsText(Rival):
    """Writes the code as the pages' tables say, and not as their examples do."""

    def success(self, first: Record, wallet: Wallet, *, as_text: bool) -> str:
        return super().success(first, wallet, as_text=as_text).replace('"error": 0', '"error": "0"')


@caught_by("a transactionId is text of at most 36 characters")
class NumberedTransactions(Rival):
    """Has numbers for transactionIds."""

    def success(self, first: Record, wallet: Wallet, *, as_text: bool) -> str:
        text = super().success(first, wallet, as_text=as_text)
        return text.replace(f'"{first.transaction_id}"', first.transaction_id[2:])


@caught_by(
    "a win in another currency is refused with 52",
    "a prize in another currency is refused with 52",
    "another currency is refused with 61 rather than 52",
    "a jackpot in another currency is refused with 52",
)
class AnyCurrency(Rival):
    """Credits 100 EUR as 100 USD."""

    def credits(self, kind: str, fields: dict[str, Any]) -> list[Credit]:
        return [replace(credit, currency=None) for credit in super().credits(kind, fields)]


@caught_by(
    "a win of an unknown player is refused with 62",
    "a jackpot of an unknown player is refused with 62",
    "a refusal has error and description alone",
)
class PlayersMadeUp(Rival):
    """Opens a wallet for whoever wins."""

    async def settle(self, credits: list[Credit]) -> Record:
        self.wallets.setdefault(credits[0].player, Wallet("USD", Decimal(0), Decimal(0)))
        return await super().settle(credits)


@caught_by("a request that is no POST is refused with 405")
class AnyMethod(Rival):
    """Takes a GET for a callback."""

    def check_method(self, method: str) -> None:
        return


@caught_by("a path that is none is refused with 404")
class AnyPath(Rival):
    """Takes whatever comes for a result."""

    async def settled(self, request: Request) -> str:
        if request.url.path == "/v4/Results":
            request.scope["path"] = "/v4/Result"
            return await super().settled(Request(request.scope, request.receive))
        return await super().settled(request)


@caught_by(
    "what is not JSON is refused with 99",
    "nesting without end is refused with 99",
    "a body above 64 KiB is refused with 99",
    among_others=True,
)
class FailsOnMalformed(Rival):
    """Answers what it cannot read with a failure, which the provider takes for one that will pass."""

    def refusal(self, refused: Refused) -> Response:
        return Response("Internal Server Error", 500) if refused.error == 99 else super().refusal(refused)


@caught_by("what is not JSON is refused with 99", "a negative amount is refused with 59", among_others=True)
class AllRefusalsAreHttp200(Rival):
    """Answers refusals as it answers successes."""

    def refusal(self, refused: Refused) -> Response:
        return super().refusal(Refused(refused.error, refused.description, 200))


@caught_by("a refusal repeats no value")
class SaysWhatWasSent(Rival):
    """Repeats a value in its refusal."""

    def check_forms(self, fields: dict[str, Any]) -> None:
        try:
            super().check_forms(fields)
        except Refused as refused:
            raise Refused(refused.error, f"{refused.description}: {fields}") from None


@caught_by("a key twice is refused with 99")
class LastKeyWins(Rival):
    """Reads JSON as most libraries do."""

    def parameters(self, body: bytes) -> list[Parameter]:
        try:
            return super().parameters(body)
        except Refused as refused:
            if refused.description != "a key twice":
                raise
        text = body.decode()
        once = json.dumps(json.loads(text, parse_float=str, parse_int=str))
        return super().parameters(once.encode())


@caught_by("an optional field may be empty", "a mandatory field that is null or empty is absent")
class NullIsPresent(Rival):
    """Takes an empty field for a value."""

    def fields(self, kind: str, parameters: list[Parameter]) -> dict[str, Any]:
        filled = [replace(each, value=" ") if each.value == "" else each for each in parameters]
        return super().fields(kind, filled)


@caught_by(
    "a name that is no text is refused with 57",
    "a timestamp that is no milliseconds is refused with 57",
    "a currency that is no code is refused with 57",
    among_others=True,
)
class LooseForms(Rival):
    """Takes any value for any field."""

    def check_forms(self, fields: dict[str, Any]) -> None:
        for name in ("userid", "reference"):
            if not isinstance(fields[name], str):
                fields[name] = str(fields[name])


@caught_by(
    "a result needs each of its fields",
    "an auto closing needs each of its fields",
    "a jackpot needs each of its fields",
    "a free round total needs each of its fields",
    "a promotion needs each of its fields",
    "a refusal names the field that is missing",
)
class LooseNeeds(Rival):
    """Needs what it uses, and nothing else."""

    def fields(self, kind: str, parameters: list[Parameter]) -> dict[str, Any]:
        given = {self.name(each.name) for each in parameters}
        unused = {"gamename", "uuid", "providerid", "timestamp", "promocampaigntype", "rounddetails"} - given
        return super().fields(kind, [*parameters, *(Parameter(name, "1", '"1"') for name in unused)])


# --- Trust ------------------------------------------------------------------------------------------


@caught_by("a hash is over the characters of a number", among_others=True)
class HashOverReserialisedNumbers(Rival):
    """Makes the hash of what its JSON library made of a number."""

    def literal(self, parameter: Parameter) -> str:
        if isinstance(parameter.value, Literal):
            return json.dumps(json.loads(parameter.raw))
        return super().literal(parameter)


@caught_by("a hash is over the text of an object as it was sent")
class HashOverReserialisedObjects(Rival):
    """Makes the hash of what its JSON library made of an object."""

    def literal(self, parameter: Parameter) -> str:
        if isinstance(parameter.value, dict | list):
            return json.dumps(json.loads(parameter.raw))
        return super().literal(parameter)


@caught_by("a hash is over all scripts")
class HashInLatin1(Rival):
    """Makes the hash of question marks."""

    def literal(self, parameter: Parameter) -> str:
        return super().literal(parameter).encode("latin-1", "replace").decode("latin-1")


@caught_by("a hash covers unknown fields")
class HashOfKnownFields(Rival):
    """Leaves out of the hash what it does not know."""

    def hash_of(self, parameters: list[Parameter]) -> str:
        known = {name.lower() for name in _EXACT_NAMES} | OTHER_NAMES.keys()
        return super().hash_of([each for each in parameters if each.name.lower() in known])


@caught_by(
    "a wrong hash of a jackpot is refused with 401",
    "a jackpot without a hash is refused with 401",
    "a hash of another amount is refused with 401",
    among_others=True,
)
class HashNotChecked(Rival):
    """Wants a hash, and believes it."""

    def check_hash(self, kind: str, parameters: list[Parameter]) -> None:
        return


@caught_by("a result that carries a hash needs a right one", "a promotion that carries a hash needs a right one")
class HashOfSignedCallsAlone(Rival):
    """Does not look at the hash of a result."""

    def check_hash(self, kind: str, parameters: list[Parameter]) -> None:
        if kind in ("jackpot", "bonus"):
            super().check_hash(kind, parameters)


@caught_by("a hash in capitals is the same")
class HashByItsLetters(Rival):
    """Compares a hash letter by letter."""

    def check_hash(self, kind: str, parameters: list[Parameter]) -> None:
        if any(str(each.value) != str(each.value).lower() for each in parameters if each.name.lower() == "hash"):
            raise Refused(401, "Unauthorized", 401)
        super().check_hash(kind, parameters)


@caught_by("an empty list is no hash")
class HashIsAnyValue(Rival):
    """Takes an empty list for a hash, and a wrong one."""

    def check_hash(self, kind: str, parameters: list[Parameter]) -> None:
        if any(each.value in ([], {}) for each in parameters if each.name.lower() == "hash"):
            raise Refused(401, "Unauthorized", 401)
        super().check_hash(kind, parameters)


@caught_by("an empty list does not replace a hash")
class HashOfNothing(Rival):
    """Lets in whoever sends an empty list in the place of a hash."""

    def check_hash(self, kind: str, parameters: list[Parameter]) -> None:
        if not any(each.value in ([], {}) for each in parameters if each.name.lower() == "hash"):
            super().check_hash(kind, parameters)


@caught_by("a hash does not fit the same text cut elsewhere")
class HashOfAnyCut(Rival):
    """Takes an ampersand in an identifier for one of its letters."""

    def check_cut(self, parameters: list[Parameter]) -> None:
        return


@caught_by(
    "a uuid does not replace a hash",
    "a result that carries a hash needs a right one",
    "a promotion that carries a hash needs a right one",
)
class UuidInsteadOfHash(Rival):
    """Lets in whoever sends a uuid."""

    def check_hash(self, kind: str, parameters: list[Parameter]) -> None:
        if not any(each.name == "uuid" for each in parameters):
            super().check_hash(kind, parameters)


@caught_by(
    "a callback without the token is refused with 401",
    "a callback with another token is refused with 401",
    "a piece of the token is refused with 401",
    "a refusal does not tell what was wrong",
)
class TokenNotChecked(Rival):
    """Does not look at the token."""

    def check_token(self, token: str) -> None:
        return


@caught_by("a piece of the token is refused with 401")
class TokenByItsBeginning(Rival):
    """Compares as many characters of the token as were sent."""

    def check_token(self, token: str) -> None:
        if not token or not (self.auth_token or "").startswith(token):
            super().check_token(token)


@caught_by("a refusal does not tell what was wrong")
class TellsWhichWasWrong(Rival):
    """Says whether it was the token or the hash."""

    def check_token(self, token: str) -> None:
        try:
            super().check_token(token)
        except Refused:
            raise Refused(401, "Wrong token", 401) from None


@caught_by("who is not admitted does not learn which references are known")
class KnownBeforeTrusted(Rival):
    """Looks for the reference before it looks at the hash."""

    def check_hash(self, kind: str, parameters: list[Parameter]) -> None:
        references = [each.value for each in parameters if each.name.lower() == "reference"]
        if any((kind, str(reference)) in self.records for reference in references):
            return
        super().check_hash(kind, parameters)


_EXACT_NAMES = frozenset(
    [
        *("userId", "amount", "reference", "providerId", "timestamp", "uuid", "hash", "gameId", "gameName", "roundId"),
        *("roundDetails", "currency", "jackpotId", "jackpotDetails", "promoCampaignId", "promoCampaignType"),
        *("campaignId", "campaignType", "promoWinAmount", "promoWinReference", "bonusCode", "sessionId", "platform"),
        "token",
    ]
)
