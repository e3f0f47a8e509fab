"""The products on offer. Ticks, point values and months are the exchanges' figures; prices are a plausible start.

Fees are per contract and side, margins per contract, both in dollars.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

QUARTERS, EVERY = "HMUZ", "FGHJKMNQUVXZ"


@dataclass(frozen=True, slots=True)
class Fees:
    clearing: Decimal
    exchange: Decimal
    nfa: Decimal
    commission: Decimal

    @property
    def total(self) -> Decimal:
        return self.clearing + self.exchange + self.nfa + self.commission


@dataclass(frozen=True, slots=True)
class ProductInfo:
    """``walk`` names the price process: a micro of the same tick size follows the one of its big sister."""

    number: int
    root: str
    description: str
    exchange: str
    group: str
    tick: Decimal
    point_value: Decimal
    months: str
    expiry: str
    walk: str
    start_price: Decimal
    yearly_volatility: float
    fees: Fees
    day_margin: Decimal
    full_margin: Decimal
    fractional: bool

    @property
    def is_micro(self) -> bool:
        return "Micro" in self.description


def _fees(*figures: str) -> Fees:
    return Fees(*map(Decimal, figures))


FEES = {
    "micro": _fees("0.19", "0.35", "0.02", "0.25"),
    "mini": _fees("0.19", "1.38", "0.02", "0.79"),
    "big": _fees("0.19", "1.6", "0.02", "0.79"),
    "rates": _fees("0.19", "0.87", "0.02", "0.79"),
}
GROUPS = {
    # name: (yearly volatility, expiry rule)
    "Equity Index": (0.2, "third_friday"),
    "Energy": (0.35, "before_25th"),
    "Metals": (0.22, "third_last_business_day"),
    "Interest Rates": (0.07, "near_month_end"),
    "Currencies": (0.08, "before_third_wednesday"),
    "Crypto": (0.6, "last_friday"),
    "Grains": (0.25, "before_15th"),
}
EXCHANGES = ("CME", "CBOT", "NYMEX", "COMEX")

# root | description | exchange | group | tick | point value | months | walk | start price | fees | day margin | full margin
_ROWS = """
ES  | E-Mini S&P 500           | CME   | Equity Index   | 0.25       | 50       | HMUZ | ES  | 6800     | mini  | 500  | 23000
MES | Micro E-Mini S&P 500     | CME   | Equity Index   | 0.25       | 5        | HMUZ | ES  | 6800     | micro | 50   | 2300
ESG | E-Mini S&P 500 ESG       | CME   | Equity Index   | 0.05       | 500      | HMUZ | ESG | 620      | mini  | 2000 | 21000
NQ  | E-Mini NASDAQ 100        | CME   | Equity Index   | 0.25       | 20       | HMUZ | NQ  | 25000    | mini  | 1000 | 33000
MNQ | Micro E-Mini NASDAQ 100  | CME   | Equity Index   | 0.25       | 2        | HMUZ | NQ  | 25000    | micro | 100  | 3300
YM  | E-Mini Dow               | CBOT  | Equity Index   | 1          | 5        | HMUZ | YM  | 47000    | mini  | 500  | 15000
MYM | Micro E-Mini Dow         | CBOT  | Equity Index   | 1          | 0.5      | HMUZ | YM  | 47000    | micro | 50   | 1500
RTY | E-Mini Russell 2000      | CME   | Equity Index   | 0.1        | 50       | HMUZ | RTY | 2500     | mini  | 500  | 9500
M2K | Micro E-Mini Russell     | CME   | Equity Index   | 0.1        | 5        | HMUZ | RTY | 2500     | micro | 50   | 950
CL  | Crude Oil                | NYMEX | Energy         | 0.01       | 1000     | all  | CL  | 60       | big   | 1000 | 6200
MCL | Micro Crude Oil          | NYMEX | Energy         | 0.01       | 100      | all  | CL  | 60       | micro | 100  | 620
NG  | Natural Gas              | NYMEX | Energy         | 0.001      | 10000    | all  | NG  | 4        | big   | 1000 | 4300
GC  | Gold                     | COMEX | Metals         | 0.1        | 100      | GJMQVZ | GC  | 4000   | big   | 1000 | 20000
MGC | Micro Gold               | COMEX | Metals         | 0.1        | 10       | GJMQVZ | GC  | 4000   | micro | 100  | 2000
SI  | Silver                   | COMEX | Metals         | 0.005      | 5000     | FHKNUZ | SI  | 50     | big   | 2000 | 24000
SIL | Micro Silver             | COMEX | Metals         | 0.005      | 1000     | FHKNUZ | SI  | 50     | micro | 400  | 4800
HG  | Copper                   | COMEX | Metals         | 0.0005     | 25000    | HKNUZ  | HG  | 5      | big   | 1000 | 9500
PL  | Platinum                 | NYMEX | Metals         | 0.1        | 50       | FJNV   | PL  | 1550   | big   | 1000 | 6000
ZB  | 30-Year U.S. Bond        | CBOT  | Interest Rates | 0.03125    | 1000     | HMUZ | ZB  | 117      | rates | 500  | 4000
ZN  | 10-Year U.S. Note        | CBOT  | Interest Rates | 0.015625   | 1000     | HMUZ | ZN  | 112.5    | rates | 300  | 2100
ZF  | 5-Year U.S. Note         | CBOT  | Interest Rates | 0.0078125  | 1000     | HMUZ | ZF  | 109      | rates | 250  | 1400
ZT  | 2-Year U.S. Note         | CBOT  | Interest Rates | 0.00390625 | 2000     | HMUZ | ZT  | 104      | rates | 200  | 1200
6E  | Euro FX                  | CME   | Currencies     | 0.00005    | 125000   | HMUZ | 6E  | 1.16     | big   | 500  | 2800
6J  | Japanese Yen             | CME   | Currencies     | 0.0000005  | 12500000 | HMUZ | 6J  | 0.0065   | big   | 500  | 3000
6B  | British Pound            | CME   | Currencies     | 0.0001     | 62500    | HMUZ | 6B  | 1.31     | big   | 500  | 2300
M6E | Micro Euro FX            | CME   | Currencies     | 0.0001     | 12500    | HMUZ | M6E | 1.16     | micro | 50   | 280
BTC | Bitcoin                  | CME   | Crypto         | 5          | 5        | all  | BTC | 95000    | big   | 30000 | 120000
MBT | Micro Bitcoin            | CME   | Crypto         | 5          | 0.1      | all  | BTC | 95000    | micro | 600  | 2400
ETH | Ether                    | CME   | Crypto         | 0.5        | 50       | all  | ETH | 3100     | big   | 20000 | 60000
MET | Micro Ether              | CME   | Crypto         | 0.5        | 0.1      | all  | ETH | 3100     | micro | 40   | 120
ZC  | Corn                     | CBOT  | Grains         | 0.25       | 50       | HKNUZ  | ZC  | 430    | big   | 300  | 1200
ZS  | Soybeans                 | CBOT  | Grains         | 0.25       | 50       | FHKNQUX | ZS | 1120   | big   | 500  | 2200
ZW  | Wheat                    | CBOT  | Grains         | 0.25       | 50       | HKNUZ  | ZW  | 530    | big   | 400  | 1900
"""


def _product(number: int, line: str) -> ProductInfo:
    root, description, exchange, group, tick, point, months, walk, price, fees, day, full = (
        cell.strip() for cell in line.split("|")
    )
    volatility, expiry = GROUPS[group]
    return ProductInfo(
        number=number,
        root=root,
        description=description,
        exchange=exchange,
        group=group,
        tick=Decimal(tick),
        point_value=Decimal(point),
        months=EVERY if months == "all" else months,
        expiry=expiry,
        walk=walk,
        start_price=Decimal(price),
        yearly_volatility=volatility,
        fees=FEES[fees],
        day_margin=Decimal(day),
        full_margin=Decimal(full),
        fractional=group == "Interest Rates",
    )


PRODUCTS = {
    product.root: product
    for product in (_product(number, line) for number, line in enumerate(_ROWS.strip().splitlines()))
}
