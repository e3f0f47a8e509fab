"""Logins and their accounts. Names, ids and secrets are functions of seed, prefix and number: a new start makes the same ones."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

LIVE, DEMO = "live", "demo"
HOSTS = (LIVE, DEMO)
ACCOUNTS_CAP = 99
NAME_BASE = 10**13  # account names hold digits that are not the account's id
DEFAULT_PREFIX = "sim-"


@dataclass(slots=True)
class AccountInfo:
    id: int
    name: str
    host: str
    owner_id: int


@dataclass(slots=True)
class Login:
    """``owner_id`` is whom the accounts belong to: the person, or on prop accounts the firm."""

    user_id: int
    name: str
    password: str = field(repr=False)
    cid: str = ""
    secret: str = field(default="", repr=False)
    owner_id: int = 0
    accounts: list[AccountInfo] = field(default_factory=list)
    has_market_data: bool = False
    orders_right: str = "FullAccess"
    devices: set[str] = field(default_factory=set)

    @property
    def email(self) -> str:
        return f"{self.name}@simulated.example"

    @property
    def has_live(self) -> bool:
        return any(account.host == LIVE for account in self.accounts)

    def on(self, host: str) -> list[AccountInfo]:
        return [account for account in self.accounts if account.host == host]

    def told(self) -> dict[str, object]:
        """What the maker of a login learns."""
        accounts = [{"id": a.id, "name": a.name, "environment": a.host} for a in self.accounts]
        return {
            "username": self.name,
            "password": self.password,
            "client_id": self.cid,
            "client_secret": self.secret,
            "user_id": self.user_id,
            "accounts": accounts,
        }


@dataclass(frozen=True, slots=True)
class LoginOrder:
    """A wish for logins ``<prefix>1`` to ``<prefix><count>``. ``live``: ``alternate`` = every other one has a live account."""

    prefix: str
    count: int
    accounts_per_login: int
    live: str = "alternate"
    prop_firm: str = "none"


class Directory:
    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.by_name: dict[str, Login] = {}
        self.by_user: dict[int, Login] = {}
        self.by_account: dict[int, Login] = {}
        self.accounts: dict[int, AccountInfo] = {}
        self._blocks: dict[int, str] = {}

    def ensure(self, order: LoginOrder) -> tuple[list[Login], list[AccountInfo]]:
        """The logins wished for, and the accounts that are new. Asking again gives the same logins."""
        logins: list[Login] = []
        fresh: list[AccountInfo] = []
        block = self._block(order.prefix)
        for number in range(1, order.count + 1):
            name = f"{order.prefix}{number}"
            login = self.by_name.get(name) or self._make(name, block * 100_000 + number, order)
            fresh += self._give_accounts(login, order, number)
            logins.append(login)
        return logins, fresh

    def _make(self, name: str, user_id: int, order: LoginOrder) -> Login:
        digest = self._digest(name)
        secret = f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"
        login = Login(
            user_id=user_id,
            name=name,
            password=f"pw-{digest[32:44]}",
            cid=str(1000 + user_id % 90_000),
            secret=secret,
            owner_id=self._owner(user_id, order),
        )
        self.by_name[name] = self.by_user[user_id] = login
        return login

    def _owner(self, user_id: int, order: LoginOrder) -> int:
        is_prop = order.prop_firm == "all" or (order.prop_firm == "alternate" and user_id % 2 == 0)
        return self._block(order.prefix) * 100_000 if is_prop else user_id

    def _give_accounts(self, login: Login, order: LoginOrder, number: int) -> list[AccountInfo]:
        has_live = order.live == "all" or (order.live == "alternate" and number % 2 == 1)
        wanted = [(DEMO, place) for place in range(order.accounts_per_login)]
        wanted += [(LIVE, ACCOUNTS_CAP)] if has_live else []
        fresh = [
            self._account(login, host, place)
            for host, place in wanted
            if login.user_id * 100 + place not in self.accounts
        ]
        login.accounts += fresh
        return fresh

    def _account(self, login: Login, host: str, place: int) -> AccountInfo:
        account_id = login.user_id * 100 + place
        label = {LIVE: "", DEMO: "DEMO"}[host] if login.owner_id == login.user_id else "APEX"
        account = AccountInfo(account_id, f"{label}{NAME_BASE - account_id}", host, login.owner_id)
        self.accounts[account_id] = account
        self.by_account[account_id] = login
        return account

    def _digest(self, text: str) -> str:
        return hashlib.sha256(f"{self._seed}|{text}".encode()).hexdigest()

    def _block(self, prefix: str) -> int:
        """A number of its own for every prefix. Raises ValueError in the unlikely case that two share one."""
        block = 1000 + int(self._digest(f"prefix|{prefix}")[:12], 16) % 900_000
        if self._blocks.setdefault(block, prefix) != prefix:
            raise ValueError(f"Use another prefix: {prefix} gives the same ids as {self._blocks[block]}")
        return block
