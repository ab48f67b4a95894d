"""The calls of the provider: where each is sent, and which are signed."""

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args
from urllib.parse import quote

Win: TypeAlias = Literal["result", "auto closing", "jackpot", "bonus", "promo"]
OtherCall: TypeAlias = Literal["balance", "check", "bet", "cancel", "refund", "end of round"]
Callback: TypeAlias = Win | OtherCall
WINS: tuple[Win, ...] = get_args(Win)
OTHER_CALLS: tuple[OtherCall, ...] = get_args(OtherCall)

# The page's example has the first. The provider's servers send by the others as well.
PATHS: Mapping[Callback, tuple[str, ...]] = {
    "result": ("/v4/Result", "/V4/Result", "/v1/Result"),
    "auto closing": ("/V4/Result", "/v4/Result", "/v1/Result"),
    "jackpot": ("/V4/JackPotWin", "/v4/JackPotWin", "/v1/JackPotWin"),
    "bonus": ("/bonuswin", "/V4/BonusWin", "/v4/BonusWin", "/v1/BonusWin"),
    "promo": ("/V4/PromoWin", "/v4/PromoWin", "/v1/PromoWin"),
    "balance": ("/v4/Balance", "/V4/Balance", "/v1/Balance"),
    "check": ("/v4/Check", "/V4/Check", "/v1/Check"),
    "bet": ("/v4/Bet", "/V4/Bet", "/v1/Bet"),
    "cancel": ("/v4/Cancel", "/V4/Cancel", "/v1/Cancel"),
    "refund": ("/v4/Refund", "/V4/Refund", "/v1/Refund"),
    "end of round": ("/v4/EndRound", "/V4/EndRound", "/v1/EndRound"),
}
SIGNED: frozenset[Callback] = frozenset({"jackpot", "bonus"})  # their pages demand a hash


def query_of(auth_token: str | None) -> str:
    """What follows the path: the token, or nothing where there is none."""
    return f"?authToken={quote(auth_token, safe='')}" if auth_token else ""
