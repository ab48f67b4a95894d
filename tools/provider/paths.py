"""The callbacks of the provider's five pages: where each is sent, and which are signed."""

from collections.abc import Mapping
from typing import Literal, TypeAlias
from urllib.parse import quote

Callback: TypeAlias = Literal["result", "auto closing", "jackpot", "bonus", "promo"]

# The page's example has the first. The provider's servers send by the others as well.
PATHS: Mapping[Callback, tuple[str, ...]] = {
    "result": ("/v4/Result", "/V4/Result"),
    "auto closing": ("/V4/Result", "/v4/Result"),
    "jackpot": ("/V4/JackPotWin", "/v4/JackPotWin"),
    "bonus": ("/bonuswin", "/V4/BonusWin", "/v4/BonusWin"),
    "promo": ("/V4/PromoWin", "/v4/PromoWin"),
}
SIGNED: frozenset[Callback] = frozenset({"jackpot", "bonus"})  # their pages demand a hash


def query_of(auth_token: str | None) -> str:
    """What follows the path: the token, or nothing where there is none."""
    return f"?authToken={quote(auth_token, safe='')}" if auth_token else ""
